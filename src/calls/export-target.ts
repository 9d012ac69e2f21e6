import type { RecordingId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { ExportTarget } from '../core/ports/export.ts';
import type { Random } from '../core/ports/random.ts';

const RECORDING_ID_CHARACTERS = 8;

/** The same place without what grants access to it: the query of its address. */
export function withoutSecret(target: ExportTarget): ExportTarget {
  const url = new URL(target.containerUrl);
  return { ...target, containerUrl: url.origin + url.pathname };
}

/** A folder of the recording's own in the caller's container, named as the service names it. */
export function exportTarget(recording: {
  readonly containerUrl: string;
  readonly recordingId: RecordingId;
  readonly correlationId: string;
  readonly clock: Clock;
  readonly random: Random;
}): ExportTarget {
  const { containerUrl, recordingId, correlationId, clock, random } = recording;
  const day = new Date(clock.nowMs()).toISOString().slice(0, 10).replaceAll('-', '');
  const name = `${recordingId.slice(0, RECORDING_ID_CHARACTERS)}-${random.uuid()}`;
  return { containerUrl, folder: `${day}/${correlationId}/${name}` };
}
