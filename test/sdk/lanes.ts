import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LaneCommand } from './lane-process.ts';
import type { Stage } from './stage.ts';
import type { LaneResult, Step } from './steps.ts';

const run = promisify(execFile);
const HERE: string = import.meta.dirname;
/** What lanes install; kept between runs, and gone with `npm ci`. */
const INSTALLED: string = join(HERE, '../../node_modules/.cache/tapedeck-sdk');
const RECORDING_HOST = 'tapedeck.asm.skype.com';
const INSTALL_MS = 300_000;
const JAVA_PACKAGE = 'com.azure:azure-communication-callautomation';

export type Lane = Pick<LaneResult, 'language' | 'package' | 'version' | 'client'> & {
  /** Also the directory of what it downloads. */
  readonly name: string;
  /** Steps for which the version has no option: the vendor's types do not know it. */
  readonly lacks: readonly Step[];
  /** Installs the SDK where it is not there yet, and says how the lane is run against the stage. */
  prepare(stage: Stage): Promise<LaneCommand>;
};

/** In the order of the table. */
export const LANES: readonly Lane[] = [
  javascript('1.6.0', '@azure/communication-call-automation', []),
  javascript('1.5.1', 'call-automation-1.5.1', []),
  javascript('1.2.0', 'call-automation-1.2.0', ['connection']),
  javascript('1.0.0', 'call-automation-1.0.0', ['connection', 'container', 'pauseOnStart']),
  python('1.6.0'),
  python('1.5.0'),
  java('1.0.4'),
  java('1.0.3'),
  reproduced('java', 'Java', JAVA_PACKAGE, '1.6.0'),
  reproduced('dotnet', '.NET', 'Azure.Communication.CallAutomation', '1.6.1'),
];

function javascript(version: string, alias: string, lacks: readonly Step[]): Lane {
  return {
    name: `javascript-${version}`,
    language: 'JavaScript',
    package: '@azure/communication-call-automation',
    version,
    client: 'unmodified',
    lacks,
    prepare: (stage) =>
      Promise.resolve({
        command: process.execPath,
        arguments: ['quickstart.mjs', alias],
        directory: join(HERE, 'javascript'),
        environment: { ...connection(stage), ...stage.server.clientEnvironment },
      }),
  };
}

function python(version: string): Lane {
  const directory = join(HERE, 'python');
  return {
    name: `python-${version}`,
    language: 'Python',
    package: 'azure-communication-callautomation',
    version,
    client: 'unmodified',
    lacks: [],
    async prepare({ server }) {
      const venv = join(INSTALLED, `python-${version}`);
      await once(venv, async () => {
        await run('python3', ['-m', 'venv', venv], { timeout: INSTALL_MS });
        const requirements = join(directory, `requirements-${version}.txt`);
        const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', requirements];
        await run(join(venv, 'bin/python'), install, { timeout: INSTALL_MS });
      });
      return {
        command: join(venv, 'bin/python'),
        arguments: ['-u', 'quickstart.py'],
        directory,
        environment: {
          COMMUNICATION_CONNECTION_STRING: server.ready.connectionString,
          REQUESTS_CA_BUNDLE: server.ready.caFile ?? '',
          HTTPS_PROXY: server.ready.http,
          NO_PROXY: '',
        },
      };
    },
  };
}

function java(version: string): Lane {
  const directory = join(HERE, 'java');
  return {
    name: `java-${version}`,
    language: 'Java',
    package: JAVA_PACKAGE,
    version,
    client: 'unmodified',
    lacks: ['connection', 'container', 'pauseOnStart'],
    async prepare(stage) {
      const libraries = join(INSTALLED, `java-${version}`);
      await once(libraries, async () => {
        const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${libraries}`];
        const arguments_ = ['-B', '-q', ...copy, `-Dsdk.version=${version}`];
        await run('mvn', arguments_, { cwd: directory, timeout: INSTALL_MS });
      });
      // The JVM takes names from a file instead of the system's resolver, and trust from a store.
      const hosts = join(stage.directory, 'hosts');
      await writeFile(hosts, `127.0.0.1 localhost ${RECORDING_HOST}\n`);
      const store = join(stage.directory, 'trust.p12');
      await once(store, async () => {
        const ca = ['-alias', 'tapedeck', '-file', stage.server.ready.caFile ?? ''];
        const into = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', 'changeit'];
        await run('keytool', ['-importcert', '-noprompt', ...ca, ...into]);
      });
      return {
        command: 'java',
        arguments: [
          `-Djdk.net.hosts.file=${hosts}`,
          `-Djavax.net.ssl.trustStore=${store}`,
          '-Djavax.net.ssl.trustStorePassword=changeit',
          ...['-cp', join(libraries, '*')],
          'Quickstart.java',
        ],
        directory,
        environment: connection(stage),
      };
    },
  };
}

/** The requests of an SDK that cannot be installed here. */
function reproduced(dialect: string, language: string, packageName: string, version: string): Lane {
  return {
    name: `${dialect}-${version}`,
    language,
    package: packageName,
    version,
    client: 'requests reproduced',
    lacks: [],
    prepare: (stage) =>
      Promise.resolve({
        command: process.execPath,
        arguments: ['quickstart.ts', dialect],
        directory: join(HERE, 'reproduced'),
        environment: { ...connection(stage), ...stage.server.clientEnvironment },
      }),
  };
}

function connection({ server }: Stage): Readonly<Record<string, string>> {
  return { COMMUNICATION_CONNECTION_STRING: server.ready.connectionString };
}

/** Makes what is not there; what was left half made goes first. */
async function once(path: string, make: () => Promise<void>): Promise<void> {
  const finished = `${path}.done`;
  if (existsSync(finished)) return;
  await rm(path, { recursive: true, force: true });
  await mkdir(join(path, '..'), { recursive: true });
  await make();
  await writeFile(finished, '');
}
