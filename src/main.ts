import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { runVerb } from './cli/run.ts';
import { parseConfiguration, type Configuration } from './config/configuration.ts';
import { TapedeckError, systemCode } from './core/error.ts';
import type { RunningServer } from './running-server.ts';

/** Exit code for options and surroundings that have to be changed first (sysexits: EX_CONFIG). */
const EXIT_CONFIGURATION = 78;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const [verb = 'help', ...rest] = process.argv.slice(2);

try {
  process.exitCode = await run();
} catch (error) {
  process.exitCode = report(error);
}

/** The server's modules are loaded only for those verbs that need them. */
async function run(): Promise<number> {
  if (rest.includes('--help') || (verb !== 'start' && verb !== 'demo')) {
    return runVerb([verb, ...rest], process.env, process.stdout, process.stderr);
  }
  if (verb === 'demo') {
    const once = rest.includes('--once');
    const options = rest.filter((argument) => argument !== '--once');
    const { runDemo } = await import('./demo.ts');
    const untilSignal = async (server: RunningServer): Promise<void> =>
      drain(server, await nextSignal());
    return runDemo(configurationOf(options), { once, untilSignal });
  }
  const configuration = configurationOf(rest);
  const { announcement, writeReadyFile } = await import('./announce.ts');
  const { startServer } = await import('./server.ts');
  const { createLogger } = await import('./telemetry/log.ts');
  const server = await startServer(configuration, createLogger(configuration['log-level']));
  // From here on: who reads the ready file may stop us at once.
  const signalled = nextSignal();
  const readyFile = configuration['ready-file'];
  if (readyFile !== undefined) await writeReadyFile(readyFile, server.ready);
  process.stdout.write(`${await announcement(server, configuration)}\n`);
  await drain(server, await signalled);
  if (readyFile !== undefined) await rm(readyFile, { force: true });
  return 0;
}

function configurationOf(argv: readonly string[]): Configuration {
  return parseConfiguration(argv, process.env, (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of SIGNALS) process.once(name, resolve);
  });
}

/** Resolves when the server has drained; a second signal exits at once. */
async function drain(server: RunningServer, signal: NodeJS.Signals): Promise<void> {
  process.stderr.write(`${signal}: finishing calls and recordings; once more to exit at once\n`);
  for (const name of SIGNALS) {
    // What was journaled is recovered at the next start.
    process.on(name, () => process.exit(130));
  }
  await server.close();
}

/** Expected failures are one clear line; anything else is a defect, with its stack. */
function report(error: unknown): number {
  if (error instanceof TapedeckError) {
    process.stderr.write(`tapedeck: ${error.message}\n`);
    return error.fault === 'caller' ? EXIT_CONFIGURATION : 1;
  }
  process.stderr.write(`tapedeck: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
