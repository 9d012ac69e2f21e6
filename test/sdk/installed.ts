import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** What lanes install; kept between runs, and gone with `npm ci`. */
export const INSTALLED: string = join(
  import.meta.dirname,
  '../../node_modules/.cache/tapedeck-sdk',
);
export const INSTALL_MS = 300_000;

/**
 * A virtual environment with what a file of requirements pins, and nothing else.
 * @param name of its directory.
 * @returns its Python.
 */
export async function pythonWith(name: string, requirements: string): Promise<string> {
  const venv = join(INSTALLED, name);
  const python = join(venv, 'bin/python');
  await once(venv, async () => {
    await run('python3', ['-m', 'venv', venv], { timeout: INSTALL_MS });
    const flags = ['--quiet', '--no-deps', '--no-compile'];
    const install = ['-m', 'pip', 'install', ...flags, '-r', requirements];
    await run(python, install, { timeout: INSTALL_MS });
  });
  return python;
}

/**
 * Arguments by which a JVM trusts the CA of a server.
 * @param directory of the stage, for the store.
 */
export async function javaTrust(directory: string, caFile: string): Promise<readonly string[]> {
  const store = join(directory, 'trust.p12');
  await once(store, async () => {
    const ca = ['-alias', 'tapedeck', '-file', caFile];
    const into = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', 'changeit'];
    await run('keytool', ['-importcert', '-noprompt', ...ca, ...into]);
  });
  return [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStorePassword=changeit'];
}

/**
 * The libraries of a Maven project, installed.
 * @param name of their directory.
 * @param project where its pom.xml is.
 * @returns the directory.
 */
export async function mavenLibraries(
  name: string,
  project: string,
  properties: readonly string[] = [],
): Promise<string> {
  const libraries = join(INSTALLED, name);
  await once(libraries, async () => {
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${libraries}`];
    await run('mvn', ['-B', '-q', ...copy, ...properties], { cwd: project, timeout: INSTALL_MS });
  });
  return libraries;
}

/** Makes what is not there; what was left half made goes first. */
export async function once(path: string, make: () => Promise<void>): Promise<void> {
  const finished = `${path}.done`;
  if (existsSync(finished)) return;
  await rm(path, { recursive: true, force: true });
  await mkdir(join(path, '..'), { recursive: true });
  await make();
  await writeFile(finished, '');
}
