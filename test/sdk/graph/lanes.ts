import { join } from 'node:path';
import { javaTrust, mavenLibraries, pythonWith } from '../installed.ts';
import type { Lane } from '../suite.ts';
import { goProgram } from './go/program.ts';
import type { DialectName } from './reproduced/dialects.ts';
import type { GraphStage } from './stage.ts';

const HERE: string = import.meta.dirname;

export type GraphLane = Lane<GraphStage>;

/** In the order of the table. */
export const GRAPH_LANES: readonly GraphLane[] = [
  javascript('JavaScript', 'graph-client', '@microsoft/microsoft-graph-client', '3.0.7'),
  javascript('TypeScript', 'msgraph-sdk', '@microsoft/msgraph-sdk', '1.0.0-preview.90'),
  python(),
  java('6.69.0'),
  go('1.89.0'),
  reproduced('dotnet', 'C#', 'Microsoft.Graph', '5.56.0'),
  reproduced('dotnet4', 'C#', 'Microsoft.Graph', '4.54.0'),
  reproduced('php', 'PHP', 'microsoft/microsoft-graph', '2.16.0'),
  reproduced('powershell', 'PowerShell', 'Microsoft.Graph.CloudCommunications', '2.25.0'),
  reproduced('mgc', 'CLI', 'mgc', '1.9.0'),
];

function javascript(
  language: string,
  program: string,
  packageName: string,
  version: string,
): GraphLane {
  return {
    name: `graph-${language.toLowerCase()}`,
    language,
    package: packageName,
    version,
    client: 'unmodified',
    prepare: (stage) =>
      Promise.resolve({
        command: process.execPath,
        arguments: [`${program}.mjs`],
        directory: join(HERE, 'javascript'),
        environment: { ...stage.environment, NODE_EXTRA_CA_CERTS: stage.caFile },
      }),
  };
}

/** @param version as pom.xml says. */
function java(version: string): GraphLane {
  const directory = join(HERE, 'java');
  return {
    name: `graph-java-${version}`,
    language: 'Java',
    package: 'com.microsoft.graph:microsoft-graph',
    version,
    client: 'unmodified',
    async prepare(stage) {
      const libraries = await mavenLibraries(`graph-java-${version}`, directory);
      const trust = await javaTrust(stage.directory, stage.caFile);
      return {
        command: 'java',
        arguments: [...trust, '-cp', join(libraries, '*'), 'RecordResponse.java'],
        directory,
        environment: stage.environment,
      };
    },
  };
}

/** @param version as go.mod says. */
function go(version: string): GraphLane {
  return {
    name: `graph-go-${version}`,
    language: 'Go',
    package: 'github.com/microsoftgraph/msgraph-sdk-go',
    version,
    client: 'unmodified',
    prepare: async ({ environment, caFile }) => ({
      command: await goProgram(),
      arguments: [],
      directory: join(HERE, 'go'),
      environment: { ...environment, SSL_CERT_FILE: caFile },
    }),
  };
}

function python(): GraphLane {
  const directory = join(HERE, 'python');
  return {
    name: 'graph-python',
    language: 'Python',
    package: 'msgraph-sdk',
    version: '1.65.0',
    client: 'unmodified',
    prepare: async ({ environment, caFile }) => ({
      command: await pythonWith('graph-python', join(directory, 'requirements.txt')),
      arguments: ['-u', 'bot.py'],
      directory,
      // The credentials and the SDK have HTTP clients of their own.
      environment: { ...environment, REQUESTS_CA_BUNDLE: caFile, SSL_CERT_FILE: caFile },
    }),
  };
}

/** The requests of an SDK that cannot be installed here. */
function reproduced(
  dialect: DialectName,
  language: string,
  packageName: string,
  version: string,
): GraphLane {
  return {
    name: `graph-${dialect}`,
    language,
    package: packageName,
    version,
    client: 'requests reproduced',
    prepare: (stage) =>
      Promise.resolve({
        command: process.execPath,
        arguments: ['bot.ts', dialect],
        directory: join(HERE, 'reproduced'),
        environment: { ...stage.environment, NODE_EXTRA_CA_CERTS: stage.caFile },
      }),
  };
}
