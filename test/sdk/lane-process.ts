import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export type LaneCommand = {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
};

const LIMIT_MS = 150_000;

/**
 * Runs a lane to its end and answers each of its messages. Resolves with `undefined`, or with what
 * went wrong with the program itself: how it ended, and the last of what it wrote.
 */
export function runLane(
  lane: LaneCommand,
  answer: (message: unknown) => Promise<unknown>,
): Promise<string | undefined> {
  const child = spawn(lane.command, lane.arguments, {
    cwd: lane.directory,
    env: { ...process.env, ...lane.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const talk: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => talk.push(text));
  // It may be gone when the answer is there.
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) {
      talk.push(`${line}\n`);
      return;
    }
    void answer(JSON.parse(line)).then(
      (value) => child.stdin.write(`${JSON.stringify(value ?? {})}\n`),
      (error: unknown) => {
        talk.push(`the driver failed: ${String(error)}\n`);
        child.kill('SIGKILL');
      },
    );
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`it did not start: ${error.message}`));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(`it ended with ${signal ?? String(code)}:\n${talk.join('').slice(-4_000)}`);
    });
  });
}
