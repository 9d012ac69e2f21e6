/**
 * Do the documents agree with the code? Prints one line a document and exits with 1 if any does
 * not. `--write` makes them agree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationDocument } from '../src/config/document.ts';
import { ERROR_CATALOGUE } from '../src/core/error-codes.ts';
import { compatibilityDocument } from '../test/sdk/compatibility.ts';

const FAULTS = {
  caller: 'Whoever asked has to change something.',
  destination: 'The other side, where we deliver to or call, did not take it.',
  server: 'Tapedeck or the machine it runs on failed.',
} as const;

const DOCUMENTS: Readonly<Record<string, () => string>> = {
  'compatibility.md': compatibilityDocument,
  'configuration.md': configurationDocument,
  'errors.md': errorsDocument,
};

function errorsDocument(): string {
  const faults = Object.entries(FAULTS).map(([fault, text]) => `- **${fault}**: ${text}`);
  const rows = Object.entries(ERROR_CATALOGUE)
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([code, { fault, meaning }]) => `| \`${code}\` | ${fault} | ${meaning} |`);
  return `# Errors

<!-- Made from src/core/error-codes.ts by \`node docs/check.ts --write\`; change it there. -->

Every error has a stable code. The code stands in the log and in what the command prints; the HTTP
APIs answer with the vendor's status, code and sub-code instead, made from it at the edge. The fault
says who has to act:

${faults.join('\n')}

| Code | Fault | Meaning |
| --- | --- | --- |
${rows.join('\n')}
`;
}

const write = process.argv.includes('--write');
let stale = 0;
for (const [name, make] of Object.entries(DOCUMENTS)) {
  const path = join(import.meta.dirname, name);
  const wanted = made(name, make);
  if (wanted === undefined) {
    stale += 1;
  } else if (readIfThere(path) === wanted) {
    console.log(`docs/${name} agrees with the code`);
  } else if (write) {
    writeFileSync(path, wanted);
    console.log(`docs/${name} written`);
  } else {
    stale += 1;
    console.error(`docs/${name} does not agree with the code; run: npm run docs:check -- --write`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;

/** `undefined`, and says why, if what the document is made of does not agree with itself. */
function made(name: string, make: () => string): string | undefined {
  try {
    return make();
  } catch (error) {
    console.error(
      `docs/${name} cannot be made:\n${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
