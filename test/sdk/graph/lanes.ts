import { join } from 'node:path';
import type { Lane } from '../suite.ts';
import type { GraphStage } from './stage.ts';

const HERE: string = import.meta.dirname;

export type GraphLane = Lane<GraphStage>;

/** In the order of the table. */
export const GRAPH_LANES: readonly GraphLane[] = [
  javascript('graph-client', '@microsoft/microsoft-graph-client', '3.0.7'),
];

function javascript(program: string, packageName: string, version: string): GraphLane {
  return {
    name: `graph-javascript-${program}`,
    language: 'JavaScript',
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
