import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** A program that says who it is, and then does what its first argument tells it to. */
const PROGRAM = `
import { appendFileSync } from 'node:fs';
const [what, log] = process.argv.slice(2);
const say = (line: string): void => appendFileSync(log ?? '/dev/null', line + '\\n');
say(JSON.stringify({ pid: process.pid, node: process.versions.node, argv: process.argv.slice(2), env: Object.keys(process.env) }));
if (what === 'exit') process.exit(7);
if (what === 'crash') process.kill(process.pid, 'SIGKILL');
if (what === 'read') process.stdin.pipe(process.stdout);
if (what === 'serve') {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => { say(signal); setTimeout(() => process.exit(3), 20); });
  }
  setInterval(() => undefined, 1000);
  process.stdout.write('ready ' + process.pid + '\\n');
}
if (what === 'hang') {
  setInterval(() => undefined, 1000);
  process.stdout.write('ready ' + process.pid + '\\n');
}
`;

let directory: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tapedeck-launcher-'));
  cpSync(join(ROOT, 'bin'), join(directory, 'bin'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  mkdirSync(join(directory, 'src'));
  writeFileSync(join(directory, 'src/main.ts'), PROGRAM);
  writeFileSync(
    join(directory, 'old-node.cjs'),
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });`,
  );
});

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

type Launcher = { readonly name: string; readonly command: () => readonly string[] };

/** A Node that says it is old, and the machine's own if it is one. */
const OLD: readonly Launcher[] = [
  {
    name: 'a Node that calls itself 18',
    command: () => [process.execPath, '--require', join(directory, 'old-node.cjs')],
  },
  ...['/usr/bin/node', '/usr/local/bin/node'].filter(isOld).map((path) => ({
    name: path,
    command: () => [path],
  })),
];

function isOld(path: string): boolean {
  if (!existsSync(path)) return false;
  const version = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout;
  return Number(version.split('.')[0]) < 24;
}

function launch(launcher: Launcher, args: readonly string[], detached = false): ChildProcess {
  const [node = '', ...flags] = launcher.command();
  const argv = [...flags, join(directory, 'bin/tapedeck.mjs'), ...args];
  const child = spawn(node, argv, { detached });
  started.push(child);
  return child;
}

async function childPid(child: ChildProcess): Promise<number> {
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return Number(/ready (\d+)/.exec(line.toString())?.[1]);
}

async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** An orphan that ended may stay as a zombie for as long as the machine's first process likes. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (!existsSync('/proc/self/stat')) return true;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function text(stream: NodeJS.ReadableStream | null): Promise<string> {
  let all = '';
  for await (const piece of stream ?? []) all += String(piece);
  return all;
}

describe.each(OLD)('under $name', (launcher) => {
  test('the program runs under the Node 24 that npm installed, with all arguments', async () => {
    const log = join(directory, 'log');
    const [code] = (await once(launch(launcher, ['exit', log, '--x=y', 'a b']), 'exit')) as [
      number,
    ];
    expect(code).toBe(7);
    const said = JSON.parse(await readLog(log)) as { node: string; argv: string[]; env: string[] };
    expect(Number(said.node.split('.')[0])).toBe(24);
    expect(said.argv).toEqual(['exit', log, '--x=y', 'a b']);
    expect(said.env).not.toContain('TAPEDECK_LAUNCHED_BY');
  });

  test('standard input and output are the program’s own', async () => {
    const child = launch(launcher, ['read']);
    child.stdin!.end('through');
    expect(await text(child.stdout)).toBe('through');
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s reaches the program once, and its exit code comes back',
    async (signal) => {
      const log = join(directory, 'log');
      const child = launch(launcher, ['serve', log]);
      const exit = once(child, 'exit');
      await childPid(child);
      child.kill(signal);
      expect(await exit).toEqual([3, null]);
      expect((await readLog(log)).trim().split('\n').slice(1)).toEqual([signal]);
    },
  );

  test('a signal to the whole group, such as Ctrl-C, reaches the program once', async () => {
    const log = join(directory, 'log');
    const child = launch(launcher, ['serve', log], true);
    const exit = once(child, 'exit');
    await childPid(child);
    process.kill(-child.pid!, 'SIGINT');
    expect(await exit).toEqual([3, null]);
    expect((await readLog(log)).trim().split('\n').slice(1)).toEqual(['SIGINT']);
  });

  test('a program killed by a signal is reported as killed by that signal', async () => {
    expect(await once(launch(launcher, ['crash']), 'exit')).toEqual([null, 'SIGKILL']);
    const unprepared = launch(launcher, ['hang']);
    const exit = once(unprepared, 'exit');
    await childPid(unprepared);
    unprepared.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  test('when the launcher is killed, a server is told to stop', async () => {
    const log = join(directory, 'log');
    const child = launch(launcher, ['serve', log]);
    const pid = await childPid(child);
    expect(pid).not.toBe(child.pid);
    child.kill('SIGKILL');
    await gone(pid);
    expect((await readLog(log)).trim().split('\n').slice(1)).toEqual(['SIGTERM']);
  });

  test('when the launcher is killed, a program without handlers ends too', async () => {
    const child = launch(launcher, ['hang']);
    const pid = await childPid(child);
    child.kill('SIGKILL');
    await gone(pid);
  });

  test('without an installed Node 24 one line says what is needed', async () => {
    rmSync(join(directory, 'node_modules'));
    const child = launch(launcher, ['exit']);
    const exit = once(child, 'exit');
    expect(await text(child.stderr)).toMatch(
      /^tapedeck: an installed Node\.js 24 or later is required \(this one is \d+\.\d+\.\d+; .+\)\n$/,
    );
    expect(await exit).toEqual([1, null]);
  });
});

describe('under Node 24', () => {
  const current: Launcher = { name: 'Node 24', command: () => [process.execPath] };

  test('the program runs in the same process', async () => {
    const child = launch(current, ['serve']);
    expect(await childPid(child)).toBe(child.pid);
  });

  test('a built package without sources runs its build', async () => {
    rmSync(join(directory, 'src'), { recursive: true });
    mkdirSync(join(directory, 'dist'));
    writeFileSync(join(directory, 'dist/main.js'), `console.log('built', process.argv[2]);`);
    expect(await text(launch(current, ['verb']).stdout)).toBe('built verb\n');
  });
});

async function readLog(path: string): Promise<string> {
  return await readFile(path, 'utf8');
}
