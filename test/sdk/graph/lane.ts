import { tellDriver } from '../lane-channel.ts';
import type { CallForLane, CompletedForLane, GraphEvidence, GraphMessage } from './protocol.ts';
import type { GraphStep } from './steps.ts';

/** The lane's end of protocol.ts, for lanes that run on Node. */
function say<T>(message: GraphMessage): Promise<T> {
  return tellDriver(message);
}

export function incomingCall(): Promise<CallForLane> {
  return say({ ask: 'call' });
}

/** The end of an operation, as the bot is told of it. */
export function completed(operationId: string): Promise<CompletedForLane> {
  return say({ ask: 'completed', operationId });
}

/** Does what the bot does; what `run` returns is judged by the driver. If it throws, that is the end. */
export async function step(
  name: Exclude<GraphStep, 'notification'>,
  run: () => Promise<GraphEvidence>,
): Promise<GraphEvidence> {
  let evidence: GraphEvidence;
  try {
    evidence = await run();
  } catch (error) {
    await say({ failed: name, message: textOf(error) });
    process.exit(0);
  }
  await say({ done: name, evidence });
  return evidence;
}

/** The variable that the driver has set. */
export function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}

/** The typed SDK keeps what the server said a level deeper. */
function textOf(error: unknown): string {
  const { statusCode, responseStatusCode, errorEscaped } = error as ClientError;
  const status = statusCode ?? responseStatusCode ?? '';
  const { code = '', message = String(error) } = errorEscaped ?? (error as ClientError);
  return `${status} ${code} ${message}`;
}

type ClientError = {
  readonly statusCode?: number;
  readonly responseStatusCode?: number;
  readonly code?: string;
  readonly message?: string;
  readonly errorEscaped?: { readonly code?: string; readonly message?: string };
};
