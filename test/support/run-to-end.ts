import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../bin/tapedeck.mjs', import.meta.url));
const LONGEST_MS = 20_000;

export type Ended = {
  /** `null` if it did not end by itself. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs the command until it ends; it is killed when that takes too long. */
export async function runToEnd(
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly uid?: number;
    readonly gid?: number;
    /** Another copy of the command. */
    readonly command?: string;
    readonly node?: string;
  },
): Promise<Ended> {
  const { command = COMMAND, node = process.execPath, ...where } = options;
  const child = spawn(node, [command, ...args], {
    ...where,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}
