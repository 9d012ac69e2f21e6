import { readFileSync } from 'node:fs';
import ts from 'typescript';

const ROOT = new URL('../../../', import.meta.url);

export type TestFile = {
  readonly text: string;
  /** `describe › test` of each test that runs, as they are written. */
  readonly titles: ReadonlySet<string>;
};

/** @param path from the root of the project. */
export function readTestFile(path: string): TestFile {
  const text = readFileSync(new URL(path, ROOT), 'utf8');
  return { text, titles: titlesOf(text) };
}

/** Of the source of a file of tests. */
export function titlesOf(text: string): ReadonlySet<string> {
  const titles = new Set<string>();
  const visit = (node: ts.Node, outer: readonly string[]): void => {
    const own = ts.isCallExpression(node) ? ownTitle(node) : undefined;
    const path = own === undefined ? outer : [...outer, own.title];
    if (own?.kind === 'test') titles.add(path.join(' › '));
    ts.forEachChild(node, (child) => {
      visit(child, path);
    });
  };
  visit(ts.createSourceFile('tests.ts', text, ts.ScriptTarget.Latest), []);
  return titles;
}

/** Of `test('…')`, `test.each(…)('…')`, `describe('…')`; not of those that are skipped. */
function ownTitle(
  call: ts.CallExpression,
): { readonly kind: 'test' | 'describe'; readonly title: string } | undefined {
  const [first] = call.arguments;
  if (first === undefined || !ts.isStringLiteralLike(first)) return undefined;
  let callee: ts.Expression = call.expression;
  if (ts.isCallExpression(callee)) callee = callee.expression;
  if (ts.isPropertyAccessExpression(callee)) {
    if (!['each', 'skipIf', 'runIf'].includes(callee.name.text)) return undefined;
    callee = callee.expression;
  }
  if (!ts.isIdentifier(callee)) return undefined;
  const { text: kind } = callee;
  return kind === 'test' || kind === 'describe' ? { kind, title: first.text } : undefined;
}
