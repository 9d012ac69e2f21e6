import { describeLedger } from '../../test/contract/ledger.ts';
import { describeLedgerOfRecordings } from '../../test/contract/ledger-recordings.ts';
import { describeLedgerOfResponses } from '../../test/contract/ledger-responses.ts';
import { describeOutbox } from '../../test/contract/outbox.ts';
import { temporaryDatabase } from '../../test/contract/sqlite-database.ts';

describeLedger('SQLite', temporaryDatabase);
describeLedgerOfRecordings('SQLite', temporaryDatabase);
describeLedgerOfResponses('SQLite', temporaryDatabase);
describeOutbox('SQLite', temporaryDatabase);
