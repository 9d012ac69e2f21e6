import { describe, expect, test } from 'vitest';
import { formatSessionExpires, parseMinSe, parseSessionExpires } from './session-timer.ts';

describe('Session-Expires', () => {
  test.each([
    ['1800', { intervalSeconds: 1800, refresher: undefined }],
    ['90 ; Refresher = UAC', { intervalSeconds: 90, refresher: 'uac' }],
    ['4000;x=y;refresher=uas', { intervalSeconds: 4000, refresher: 'uas' }],
  ])('%s', (text, value) => expect(parseSessionExpires(text)).toEqual({ ok: true, value }));

  test.each([
    ['', 'bad-interval'],
    ['-1', 'bad-interval'],
    ['1.5', 'bad-interval'],
    ['2147483648', 'bad-interval'],
    ['90;', 'bad-interval'],
    ['90;refresher=me', 'bad-refresher'],
    ['90;refresher', 'bad-refresher'],
  ])('%j is refused: %s', (text, defect) => {
    expect(parseSessionExpires(text)).toEqual({ ok: false, defect });
  });

  test('is read back as it was written', () => {
    for (const refresher of ['uac', 'uas', undefined] as const) {
      const timer = { intervalSeconds: 90, refresher };
      expect(parseSessionExpires(formatSessionExpires(timer))).toEqual({ ok: true, value: timer });
    }
  });
});

test('Min-SE is a number of seconds, whatever parameters it has', () => {
  expect(parseMinSe(' 120 ;x=y')).toEqual({ ok: true, value: 120 });
  expect(parseMinSe('soon')).toEqual({ ok: false, defect: 'bad-interval' });
});
