import {
  createOutboundAudioData,
  createOutboundStopAudioData,
} from '@azure/communication-call-automation';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseApplicationMessage } from './application-message.ts';

const base64 = (...bytes: readonly number[]): string => Buffer.from(bytes).toString('base64');
const AUDIO = { ok: true, value: { is: 'audio', samples: new Int16Array([1, -1]) } };
const STOP = { ok: true, value: { is: 'stop-audio' } };
const DATA = base64(1, 0, 0xff, 0xff);

test('what the SDK makes is understood', () => {
  expect(parseApplicationMessage(createOutboundAudioData(DATA))).toEqual(AUDIO);
  expect(parseApplicationMessage(createOutboundStopAudioData())).toEqual(STOP);
});

test.each([
  ['the documents', { kind: 'AudioData', audioData: { data: DATA } }, AUDIO],
  ['Python', { Kind: 'AudioData', AudioData: { Data: DATA }, StopAudio: null }, AUDIO],
  ['Python that stops', { Kind: 'StopAudio', AudioData: null, StopAudio: {} }, STOP],
])('names as %s write them are understood', (_who, message, expected) => {
  expect(parseApplicationMessage(JSON.stringify(message))).toEqual(expected);
});

test.each([
  ['', 'no-json'],
  ['{"kind":', 'no-json'],
  ['null', 'unknown-kind'],
  ['[]', 'unknown-kind'],
  ['7', 'unknown-kind'],
  ['{"kind":7}', 'unknown-kind'],
  ['{"kind":"AudioMetadata"}', 'unknown-kind'],
  ['{"kind":"AudioData"}', 'no-audio'],
  ['{"kind":"AudioData","audioData":"x"}', 'no-audio'],
  ['{"kind":"AudioData","audioData":{"data":7}}', 'no-audio'],
  ['{"kind":"AudioData","audioData":{"data":""}}', 'no-audio'],
  ['{"kind":"AudioData","audioData":{"data":"!!!!"}}', 'no-audio'],
  [`{"kind":"AudioData","audioData":{"data":"${base64(1, 2, 3)}"}}`, 'no-audio'],
])('%s has a named defect', (text, defect) => {
  expect(parseApplicationMessage(text)).toEqual({ ok: false, defect });
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc
          .record({ kind: fc.constant('AudioData'), audioData: fc.jsonValue() })
          .map((value) => JSON.stringify(value)),
      ),
      (text) => {
        const message = parseApplicationMessage(text);
        expect(typeof message.ok).toBe('boolean');
      },
    ),
  );
});
