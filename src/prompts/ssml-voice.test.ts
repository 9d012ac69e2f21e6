import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ssmlVoice } from './ssml-voice.ts';

test.each([
  ['<speak>Hi</speak>', undefined, undefined, undefined],
  ['<speak version="1.0" xml:lang="de-DE">Hi</speak>', 'de-DE', undefined, undefined],
  [
    `<speak xml:lang = 'fr-FR'><voice name='fr-FR-HenriNeural'>Hi`,
    'fr-FR',
    'fr-FR-HenriNeural',
    undefined,
  ],
  [
    '<speak><voice gender="male" xml:lang="it-IT">a</voice><voice gender="female">b',
    undefined,
    undefined,
    'male',
  ],
  ['<speaker xml:lang="en-GB"><voices name="x">', undefined, undefined, undefined],
])('of %s', (ssml, locale, voiceName, voiceKind) => {
  expect(ssmlVoice(ssml)).toEqual({ locale, voiceName, voiceKind });
});

test('any text is read', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(ssmlVoice(`<speak xml:lang="en-US" ${text.replace(/[<>"'=]/g, '')}>`).locale).toBe(
        'en-US',
      );
    }),
  );
});
