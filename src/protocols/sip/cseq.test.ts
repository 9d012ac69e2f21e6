import { expect, test } from 'vitest';
import { formatCSeq, MAX_CSEQ, parseCSeq } from './cseq.ts';

test.each([
  ['0 INVITE', 0, 'INVITE'],
  ['0009 \t invite', 9, 'invite'],
  [`${MAX_CSEQ} X-Y.z`, MAX_CSEQ, 'X-Y.z'],
])('%j is read, with the method as it stands', (text, number, method) => {
  expect(parseCSeq(text)).toEqual({ ok: true, value: { number, method } });
  expect(parseCSeq(formatCSeq({ number, method }))).toEqual({
    ok: true,
    value: { number, method },
  });
});

test.each(['', '1', 'INVITE', '1INVITE', '-1 INVITE', '1 IN VITE', '1 A,B', `${MAX_CSEQ + 1} X`])(
  '%j is a defect',
  (text) => expect(parseCSeq(text)).toEqual({ ok: false, defect: 'bad-cseq' }),
);
