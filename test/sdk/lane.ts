import { tellDriver } from './lane-channel.ts';
import type { CallForLane, Evidence, LaneMessage } from './protocol.ts';
import type { Step } from './steps.ts';

/** The lane's end of protocol.ts, for lanes that run on Node. */
function say<T>(message: LaneMessage): Promise<T> {
  return tellDriver(message);
}

export function callBetweenPhones(): Promise<CallForLane> {
  return say({ ask: 'call' });
}

export async function speech(ms: number): Promise<void> {
  await say({ ask: 'speech', ms });
}

/** The data of RecordingFileStatusUpdated, as a web hook gets it. */
export function fileEvent(recordingId: string): Promise<{
  readonly recordingStorageInfo: {
    readonly recordingChunks: readonly {
      readonly documentId: string;
      readonly contentLocation: string;
      readonly metadataLocation: string;
      readonly deleteLocation: string;
    }[];
  };
}> {
  return say({ ask: 'event', recordingId });
}

/** Runs a step of the quickstart; what it returns is judged by the driver. */
export async function step(name: Step, run: () => Promise<Evidence>): Promise<void> {
  try {
    await say({ done: name, evidence: await run() });
  } catch (error) {
    await say({ failed: name, message: textOf(error) });
  }
}

export async function absent(name: Step): Promise<void> {
  await say({ absent: name });
}

/** For what the server refuses until it is built. */
export async function refused(name: Step, status: number, code: string): Promise<void> {
  await say({ refused: name, status, code });
}

/** The status that `run` is refused with; throws if it is not. */
export async function refusalOf(run: () => Promise<unknown>): Promise<number> {
  try {
    await run();
  } catch (error) {
    const { status, statusCode } = error as { status?: number; statusCode?: number };
    return statusCode ?? status ?? 0;
  }
  throw new Error('it was not refused');
}

/** Content operations throw plain objects. */
function textOf(error: unknown): string {
  if (error instanceof Error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    return [statusCode, code, error.message].filter((part) => part !== undefined).join(' ');
  }
  return JSON.stringify(error);
}
