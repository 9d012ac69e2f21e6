import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const CONFIG = join(ROOT, '.dependency-cruiser.cjs');

type Cruise = {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
};

function cruise(directory: string): Cruise {
  const binary = join(ROOT, 'node_modules/.bin/depcruise');
  const options = ['src', '--config', CONFIG, '--output-type', 'json'];
  const json = execFileSync(process.execPath, [binary, ...options], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(json) as Cruise;
}

/** Files of a small house in which everything below is forbidden, but for the last ones. */
const HOUSE: Readonly<Record<string, string>> = {
  'src/core/up.ts': `import { x } from '../api/x.ts'; export const y = x;`,
  'src/calls/type-only.ts': `import type { X } from '../sip/x.ts'; export type Y = X;`,
  'src/sip/sideways.ts': `import { x } from '../bridge/x.ts'; export const y = x;`,
  'src/media/disk.ts': `import { readFileSync } from 'node:fs'; export const y = readFileSync;`,
  'src/media/secret.ts': `import { createHash } from 'node:crypto'; export const y = createHash;`,
  'src/sim/policy.ts': `import { x } from '../sip/registrar.ts'; export const y = x;`,
  'src/api/tested.ts': `import { x } from '../../test/helper.ts'; export const y = x;`,
  'src/misc/anything.ts': `import { x } from '../core/x.ts'; export const y = x;`,
  'src/net/one.ts': `import { two } from './two.ts'; export const one = (): unknown => two;`,
  'src/net/two.ts': `import { one } from './one.ts'; export const two = (): unknown => one;`,
  'src/protocols/digest.ts': `import { createHash } from 'node:crypto'; export const y = createHash;`,
  'src/api/down.ts': `import { x } from '../core/x.ts'; export const y = x;`,
  'src/sim/stack.ts': `import { x } from '../sip/x.ts'; export const y = x;`,
  'src/net/types-one.ts': `import type { Two } from './types-two.ts'; export type One = Two[];`,
  'src/net/types-two.ts': `import type { One } from './types-one.ts'; export type Two = One[];`,
  'src/api/x.ts': `export const x = 1;`,
  'src/bridge/x.ts': `export const x = 1;`,
  'src/core/x.ts': `export const x = 1;`,
  'src/sip/x.ts': `export const x = 1; export type X = 1;`,
  'src/sip/registrar.ts': `export const x = 1;`,
  'test/helper.ts': `export const x = 1;`,
};

describe('a forbidden import is reported', () => {
  let directory: string;
  let found: readonly string[];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tapedeck-house-'));
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    cpSync(join(ROOT, 'tsconfig.json'), join(directory, 'tsconfig.json'));
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    for (const [path, text] of Object.entries(HOUSE)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    const { violations } = cruise(directory).summary;
    found = violations.map(({ rule, from }) => `${rule.name}: ${from}`);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each([
    ['up the picture', 'core-imports-only-itself: src/core/up.ts'],
    ['of a type alone', 'calls-imports-only-core-telemetry: src/calls/type-only.ts'],
    ['between neighbours', 'sip-imports-only-core-protocols-telemetry: src/sip/sideways.ts'],
    ['of files in a pure folder', 'pure-folders-import-no-node-modules: src/media/disk.ts'],
    ['of crypto outside protocols', 'crypto-only-in-protocols: src/media/secret.ts'],
    ['of the server’s policy by a phone', 'sim-uses-only-the-stack-of-sip: src/sim/policy.ts'],
    ['of test code', 'nothing-imports-tests: src/api/tested.ts'],
    ['from a folder nobody listed', 'no-unknown-folders: src/misc/anything.ts'],
    ['in a circle', 'no-cycles: src/net/one.ts'],
  ])('%s', (_title, violation) => {
    expect(found).toContain(violation);
  });

  test('and an allowed one is not', () => {
    const innocent = ['digest', 'down', 'stack', 'types-one', 'types-two', 'registrar'];
    expect(found.filter((line) => innocent.some((name) => line.endsWith(`/${name}.ts`)))).toEqual(
      [],
    );
  });
});

test('the check of this repository sees its sources', () => {
  const sources = cruise(ROOT).modules.map((module) => module.source);
  expect(sources).toContain('src/core/error.ts');
  expect(sources.filter((source) => source.startsWith('src/')).length).toBeGreaterThan(50);
});
