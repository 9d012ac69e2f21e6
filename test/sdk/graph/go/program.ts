import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { INSTALLED, pythonWith } from '../../installed.ts';

const run = promisify(execFile);
const HERE: string = import.meta.dirname;
/** The whole SDK is compiled the first time. */
const BUILD_MS = 800_000;
/** As go.mod says. */
const OLDEST_MINOR = 25;

/**
 * Builds the lane of Go, with caches of its own: what has not changed is there the next time.
 * @returns the program.
 */
export async function goProgram(): Promise<string> {
  const caches = join(INSTALLED, 'graph-go');
  const program = join(caches, 'lane');
  // Were the modules read-only, as Go leaves them, `npm ci` could not remove them.
  const build = ['build', '-modcacherw', '-buildvcs=false', '-o', program, '.'];
  await run(await goCommand(), build, {
    cwd: HERE,
    timeout: BUILD_MS,
    env: {
      ...process.env,
      GOMODCACHE: join(caches, 'modules'),
      GOCACHE: join(caches, 'build'),
      GOTOOLCHAIN: 'local',
    },
  });
  return program;
}

/** The machine's Go, or, where that is missing or too old, as Debian's is, the one of a Python package. */
async function goCommand(): Promise<string> {
  const { stdout } = await run('go', ['env', 'GOVERSION'], { cwd: '/' }).catch(() => ({
    stdout: '',
  }));
  const [, minor = '0'] = /^go1\.(\d+)/.exec(stdout) ?? [];
  if (Number(minor) >= OLDEST_MINOR) return 'go';
  const python = await pythonWith('graph-go-compiler', join(HERE, 'requirements.txt'));
  return join(python, '../go');
}
