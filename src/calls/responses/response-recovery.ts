import { TapedeckError } from '../../core/error.ts';
import type { BlobStore } from '../../core/ports/blob-store.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { ResponseCompletion } from '../../core/ports/response-recorder.ts';
import type { ResponseRecord } from '../../core/records.ts';
import type { CallPorts } from '../context.ts';
import { completionOf } from './response-completion.ts';
import type { ResponseFiles } from './response-files.ts';

/** Peaks of 8 bits: what is louder than this at any moment may be speech, 36 dB below full scale. */
const QUIET_PEAK = 2;

/** What the responses came to that an earlier process was recording when it ended, by their operations. */
export async function recoverResponses(
  ports: Pick<CallPorts, 'ledger' | 'blobs' | 'log'>,
  files: ResponseFiles,
): Promise<ReadonlyMap<string, ResponseRecord & { readonly completion: ResponseCompletion }>> {
  const unfinished = await ports.ledger.unfinishedResponses();
  const recovered = await Promise.all(
    unfinished.map(async (record) => ({
      ...record,
      completion: await recover(ports, files, record),
    })),
  );
  return new Map(recovered.map((record) => [record.operationId, record]));
}

/** Never rejects: what was said, or that it failed. */
async function recover(
  { blobs, log }: { readonly blobs: BlobStore; readonly log: Logger },
  files: ResponseFiles,
  record: ResponseRecord,
): Promise<ResponseCompletion> {
  const { operationId } = record;
  try {
    const chunk = await files.make(record, undefined);
    if (chunk !== undefined && (await hasSound(blobs, chunk.peaksKey))) {
      log.info({ operationId }, 'the response of an earlier process is stored');
      return { ...completionOf(operationId, 'media-stopped'), recording: files.describe(chunk) };
    }
  } catch (error) {
    // Its turn may not have come, or nothing of it may be readable: nothing was said that we know of.
    const isExpected = error instanceof TapedeckError && error.code === 'journal-invalid';
    log[isExpected ? 'info' : 'error']({ operationId, error }, 'a response has no recording');
  }
  return completionOf(operationId, 'call-ended');
}

/** Whether there is anything in a file but silence, by its peaks. */
async function hasSound(blobs: BlobStore, peaksKey: string): Promise<boolean> {
  const reader = await blobs.read(peaksKey);
  if (reader === undefined) return true;
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of reader.range(0, reader.sizeBytes - 1)) pieces.push(piece);
    const { data = [] } = JSON.parse(Buffer.concat(pieces).toString()) as {
      readonly data?: readonly number[];
    };
    return data.some((peak) => Math.abs(peak) > QUIET_PEAK);
  } finally {
    await reader.close();
  }
}
