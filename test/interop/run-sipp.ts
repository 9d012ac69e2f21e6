import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type SippRun = {
  /** File in test/interop/sipp. */
  readonly scenario: string;
  /** `host:port` to call; `undefined` for a scenario that waits for calls. */
  readonly target?: string;
  readonly port: number;
  readonly calls: number;
  readonly concurrent?: number;
  readonly perSecond?: number;
  /** `u1` UDP, `t1` one TCP connection, `tn` one a call. Default `u1`. */
  readonly transport?: 'u1' | 't1' | 'tn';
  readonly service?: string;
  readonly timeoutSeconds?: number;
  readonly keys?: Readonly<Record<string, string>>;
  /** Copied next to the run under this name: SIPp looks for media in its working directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** More arguments as they are. */
  readonly more?: readonly string[];
};

/** Exit code 0 means that every call went as the scenario says. */
export type SippOutcome = { readonly code: number; readonly errors: string };

const SCENARIOS = join(import.meta.dirname, 'sipp');
const LOOPBACK = '127.0.0.1';

/** Runs SIPp to its end. The promise rejects when SIPp is not installed. */
export async function runSipp(run: SippRun): Promise<SippOutcome> {
  const directory = await mkdtemp(join(tmpdir(), 'tapedeck-sipp-'));
  try {
    for (const [name, path] of Object.entries(run.files ?? {})) {
      await copyFile(path, join(directory, name));
    }
    const code = await spawnSipp(run, directory);
    return { code, errors: await errorsIn(directory) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function spawnSipp(run: SippRun, directory: string): Promise<number> {
  const concurrent = run.concurrent ?? run.calls;
  const timeout = run.timeoutSeconds ?? 60;
  const keys = Object.entries(run.keys ?? {}).flatMap(([name, value]) => ['-key', name, value]);
  const argumentsOf = [
    ...['-sf', join(SCENARIOS, run.scenario), ...(run.target === undefined ? [] : [run.target])],
    ...['-s', run.service ?? 'service', '-i', LOOPBACK, '-mi', LOOPBACK, '-ci', LOOPBACK],
    ...['-p', String(run.port), '-m', String(run.calls), '-l', String(concurrent)],
    ...['-r', String(run.perSecond ?? concurrent), '-t', run.transport ?? 'u1'],
    ...['-nostdin', '-trace_err', '-max_socket', '1000', '-timeout', `${timeout}s`],
    // A busy machine is no error of a call's.
    ...['-watchdog_interval', '0', '-timeout_error', ...keys, ...(run.more ?? [])],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('sipp', argumentsOf, { cwd: directory, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? -1);
    });
  });
}

async function errorsIn(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('_errors.log'));
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.join('\n').slice(0, 4_000);
}
