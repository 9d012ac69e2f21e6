import type { DocumentId } from '../ids.ts';
import type { ResponseRecord } from '../records.ts';

/** What the ledger knows of responses. */
export interface ResponseLedger {
  response(operationId: string): Promise<ResponseRecord | undefined>;
  responseWith(documentId: DocumentId): Promise<ResponseRecord | undefined>;
  /** Those whose end is not told, in no order. */
  unfinishedResponses(): Promise<readonly ResponseRecord[]>;
  /**
   * Those that are marked as removed, and those that are over, not kept, and of a call that ended at or before
   * this.
   */
  expiredResponses(callEndedUntilMs: number, limit: number): Promise<readonly ResponseRecord[]>;
}
