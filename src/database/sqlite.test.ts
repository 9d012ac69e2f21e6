import { describeLedger } from '../../test/contract/ledger.ts';
import { describeOutbox } from '../../test/contract/outbox.ts';
import { temporaryDatabase } from '../../test/contract/sqlite-database.ts';

describeLedger('SQLite', temporaryDatabase);
describeOutbox('SQLite', temporaryDatabase);
