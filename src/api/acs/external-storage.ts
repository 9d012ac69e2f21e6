import { TapedeckError } from '../../core/error.ts';
import type { ContainerPort } from '../../core/ports/export.ts';
import { oneOf } from './fields.ts';

export type ExternalStorageInput = {
  recordingStorageKind: string;
  recordingDestinationContainerUrl?: string;
};

const URL_FIELD = 'externalStorage.recordingDestinationContainerUrl';

/** URL of the caller's own container, if it wants one. What is wrong with it is said now, not at the end. */
export function containerUrl(
  storage: ExternalStorageInput | undefined,
  containers: Pick<ContainerPort, 'check'>,
): string | undefined {
  if (storage === undefined) return undefined;
  const kind = oneOf(
    ['azureCommunicationServices', 'azureBlobStorage'] as const,
    storage.recordingStorageKind,
    'externalStorage.recordingStorageKind',
  );
  if (kind === 'azureCommunicationServices') return undefined;
  const url = storage.recordingDestinationContainerUrl ?? '';
  if (url === '') {
    throw new TapedeckError(
      'argument-invalid',
      `Invalid argument: ${URL_FIELD} is missing; azureBlobStorage needs it.`,
      { field: URL_FIELD },
    );
  }
  try {
    containers.check(url);
  } catch (cause) {
    if (!(cause instanceof TapedeckError)) throw cause;
    // Without the URL itself, which may hold a signature.
    throw new TapedeckError(cause.code, cause.message, { field: URL_FIELD, cause });
  }
  return url;
}
