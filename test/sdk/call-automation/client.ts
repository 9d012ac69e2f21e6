import { readFileSync } from 'node:fs';
import {
  CallAutomationClient,
  CallConnection,
  CallMedia,
  CallRecording,
} from '@azure/communication-call-automation';

const MODULES = new URL('../../../node_modules/', import.meta.url);
const GENERATED = '@azure/communication-call-automation/dist/esm/generated/src/';
/** Where the generated client keeps what it sends. */
const SPECIFICATIONS = [
  'callAutomationApiClient.js',
  'operations/callConnection.js',
  'operations/callMedia.js',
  'operations/callRecording.js',
].map((name) => GENERATED + name);
/** Oldest first. */
const PARSERS: Readonly<Record<string, string>> = {
  '1.0.0': 'call-automation-1.0.0/dist-esm/src/callAutomationEventParser.js',
  '1.2.0': 'call-automation-1.2.0/dist-esm/src/callAutomationEventParser.js',
  '1.5.1': 'call-automation-1.5.1/dist/esm/callAutomationEventParser.js',
  '1.6.0': '@azure/communication-call-automation/dist/esm/callAutomationEventParser.js',
};
const CLASSES = [CallAutomationClient, CallConnection, CallMedia, CallRecording];

/** A request that the client can make. */
export type ClientOperation = {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  /** What the client takes for success. */
  readonly statuses: readonly number[];
};

/** A callback that the client's parser understands. */
export type ClientEvent = {
  /** Without the prefix. */
  readonly name: string;
  /** The first of the generations at hand that knows it. */
  readonly since: string;
};

/** All that the newest client's generated code can ask for, in its order. */
export function clientOperations(): readonly ClientOperation[] {
  const specification =
    /const (\w+)OperationSpec = \{\s*path: "([^"]+)",\s*httpMethod: "(\w+)",\s*responses: \{([\s\S]*?)\n {4}\},/g;
  return SPECIFICATIONS.flatMap((path) => {
    const text = readModule(path);
    const found = [...text.matchAll(specification)].map(
      ([, name = '', target = '', method = '', responses = '']): ClientOperation => ({
        name,
        method,
        path: target,
        statuses: [...responses.matchAll(/^ {8}(\d{3}):/gm)].map(([, status]) => Number(status)),
      }),
    );
    const wanted = text.match(/OperationSpec = \{/g)?.length ?? 0;
    if (found.length === 0 || found.length !== wanted) {
      throw new Error(`${path}: ${found.length} of ${wanted} operations are understood`);
    }
    return found;
  });
}

/** All that the newest client's parser knows, in its order. */
export function clientEvents(): readonly ClientEvent[] {
  const known = Object.entries(PARSERS).map(
    ([version, path]) => [version, new Set(eventsOf(path))] as const,
  );
  const newest = known.at(-1)?.[1] ?? new Set();
  return [...newest].map((name) => ({
    name,
    since: known.find(([, names]) => names.has(name))?.[0] ?? '',
  }));
}

/** Whether an application can call this on the newest client. */
export function isClientMethod(name: string): boolean {
  return CLASSES.some(({ prototype }) => name in prototype);
}

function eventsOf(path: string): readonly string[] {
  const names = [...readModule(path).matchAll(/case "Microsoft\.Communication\.(\w+)":/g)];
  if (names.length === 0) throw new Error(`${path}: no event is understood`);
  return names.map(([, name = '']) => name);
}

function readModule(path: string): string {
  return readFileSync(new URL(path, MODULES), 'utf8');
}
