import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runToEnd, type Ended } from '../support/run-to-end.ts';
import { ServerProcess } from '../support/server-process.ts';

/** Exit code for what the operator has to change (EX_CONFIG). */
const CONFIGURATION = 78;
const FREE = ['http', 'https', 'sip', 'management'].flatMap((name) => [`--${name}-port`, '0']);

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tapedeck-refused-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Lines that are not log records: those are for people. */
function linesFor(ended: Ended): readonly string[] {
  return ended.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
}

async function takenTcp(): Promise<{ port: number; close: () => void }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

async function takenUdp(): Promise<{ port: number; close: () => void }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, close: () => socket.close() };
}

describe('a port that another program has', () => {
  test.each([
    ['--http-port', takenTcp],
    ['--https-port', takenTcp],
    ['--sip-port', takenTcp],
    ['--sip-port', takenUdp],
    ['--management-port', takenTcp],
  ])(
    '%s is refused in one line that names option and address; the command ends',
    async (option, take) => {
      const taken = await take();
      try {
        const flags = [...FREE];
        flags[flags.indexOf(option) + 1] = String(taken.port);
        const data = join(directory, 'ports');
        const ended = await runToEnd(['start', ...flags, '--data-dir', data], { cwd: directory });
        expect(ended).toMatchObject({ code: CONFIGURATION, stdout: '' });
        const lines = linesFor(ended);
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(/^tapedeck: /);
        expect(lines[0]).toContain(option);
        expect(lines[0]).toContain(`127.0.0.1:${taken.port}`);
      } finally {
        taken.close();
      }
    },
  );
});

describe('a data directory', () => {
  test('that another Tapedeck uses is refused in one line, and the other one goes on', async () => {
    const server = await ServerProcess.start();
    try {
      const ended = await runToEnd(['start', ...FREE, '--data-dir', server.dataDirectory], {
        cwd: directory,
      });
      expect(ended).toMatchObject({ code: CONFIGURATION, stdout: '' });
      expect(linesFor(ended)).toEqual([
        expect.stringMatching(/^tapedeck: --data-dir .* is in use by another Tapedeck$/),
      ]);
      const health = await fetch(new URL('/health/ready', server.ready.management));
      expect(health.status).toBe(200);
    } finally {
      expect(await server.stop()).toBe(0);
    }
  });

  test.each([
    ['that may not be read', 0o300],
    ['that may not be written', 0o500],
    ['that may not be entered', 0o000],
    ['below one that may not be entered', undefined],
  ])('%s is refused to an unprivileged user in one line', async (_title, mode) => {
    const outer = mkdtempSync(join(directory, 'locked-'));
    const data = join(outer, 'data');
    mkdirSync(data);
    const user = unprivileged();
    for (const path of [directory, outer]) chmodSync(path, 0o755);
    if (user.uid !== undefined) chownSync(data, user.uid, user.gid ?? user.uid);
    chmodSync(mode === undefined ? outer : data, mode ?? 0o000);
    try {
      const ended = await runToEnd(['start', ...FREE, '--data-dir', data], {
        cwd: tmpdir(),
        ...user,
      });
      expect(ended).toMatchObject({ code: CONFIGURATION, stdout: '' });
      expect(linesFor(ended)).toEqual([
        expect.stringMatching(new RegExp(`^tapedeck: --data-dir ${data} cannot be used: .*EACCES`)),
      ]);
    } finally {
      chmodSync(outer, 0o755);
    }
  });
});

type Unprivileged = {
  readonly uid?: number;
  readonly gid?: number;
  readonly command?: string;
  readonly node?: string;
};

let nobody: Unprivileged | undefined;

/** Root reads everything: as root the command runs as nobody, from a copy that nobody can read. */
function unprivileged(): Unprivileged {
  if (process.getuid?.() !== 0) return {};
  nobody ??= asNobody();
  return nobody;
}

function asNobody(): Unprivileged {
  const uid = Number(execFileSync('id', ['-u', 'nobody']).toString());
  const gid = Number(execFileSync('id', ['-g', 'nobody']).toString());
  const user = { uid, gid };
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const command = join(root, 'bin/tapedeck.mjs');
  try {
    execFileSync(process.execPath, [command, 'help'], { ...user, cwd: '/', stdio: 'ignore' });
    return user;
  } catch {
    // The checkout lies below somebody's private directory.
    const copy = join(directory, 'copy');
    mkdirSync(copy);
    chmodSync(directory, 0o755);
    const parts = ['bin', 'src', 'node_modules', 'package.json'].map((name) => join(root, name));
    execFileSync('sh', ['-c', 'cp -al "$@" || cp -a "$@"', 'sh', ...parts, copy]);
    const node = join(copy, 'node');
    execFileSync('cp', [process.execPath, node]);
    return { ...user, command: join(copy, 'bin/tapedeck.mjs'), node };
  }
}
