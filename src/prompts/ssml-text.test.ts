import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ssmlText } from './ssml-text.ts';

test('markup goes, what is said stays', () => {
  const ssml =
    '<speak version="1.0"><!-- greeting --><voice name="x">Tom &amp; Anna,<break/>  caf&#233; &#x263A;</voice></speak>';
  expect(ssmlText(ssml)).toBe('Tom & Anna, café ☺');
});

test('anything at all is text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(ssmlText(`${text}&#x999999;&#0;<`)).toBeTypeOf('string');
    }),
  );
});
