import { expect, test } from 'vitest';
import { exportFileName } from './export-file-name.ts';
import type { DocumentId } from './ids.ts';

test.each([
  ['wav', '2-audiowav.0-td-1-0a.wav'],
  ['mp3', '2-audiomp3.0-td-1-0a.mp3'],
  ['metadata', '2-acsmetadata.0-td-1-0a.json'],
] as const)('a file of %s in a container is named for what it holds', (content, name) => {
  expect(exportFileName(2, '0-td-1-0a' as DocumentId, content)).toBe(name);
});
