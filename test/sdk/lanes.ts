import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { javaTrust, mavenLibraries, pythonWith } from './installed.ts';
import type { Stage } from './stage.ts';
import type { Step } from './steps.ts';
import type { Lane } from './suite.ts';

const HERE: string = import.meta.dirname;
const RECORDING_HOST = 'tapedeck.asm.skype.com';
const JAVA_PACKAGE = 'com.azure:azure-communication-callautomation';

type RecordingLane = Lane<Stage> & {
  /** Steps for which the version has no option: the vendor's types do not know it. */
  readonly lacks: readonly Step[];
};

/** In the order of the table. */
export const LANES: readonly RecordingLane[] = [
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

function javascript(version: string, alias: string, lacks: readonly Step[]): RecordingLane {
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

function python(version: string): RecordingLane {
  const directory = join(HERE, 'python');
  return {
    name: `python-${version}`,
    language: 'Python',
    package: 'azure-communication-callautomation',
    version,
    client: 'unmodified',
    lacks: [],
    async prepare({ server }) {
      const requirements = join(directory, `requirements-${version}.txt`);
      return {
        command: await pythonWith(`python-${version}`, requirements),
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

function java(version: string): RecordingLane {
  const directory = join(HERE, 'java');
  return {
    name: `java-${version}`,
    language: 'Java',
    package: JAVA_PACKAGE,
    version,
    client: 'unmodified',
    lacks: ['connection', 'container', 'pauseOnStart'],
    async prepare(stage) {
      const properties = [`-Dsdk.version=${version}`];
      const libraries = await mavenLibraries(`java-${version}`, directory, properties);
      // The JVM takes names from a file instead of the system's resolver.
      const hosts = join(stage.directory, 'hosts');
      await writeFile(hosts, `127.0.0.1 localhost ${RECORDING_HOST}\n`);
      return {
        command: 'java',
        arguments: [
          `-Djdk.net.hosts.file=${hosts}`,
          ...(await javaTrust(stage.directory, stage.server.ready.caFile ?? '')),
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
function reproduced(
  dialect: string,
  language: string,
  packageName: string,
  version: string,
): RecordingLane {
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
