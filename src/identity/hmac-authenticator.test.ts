import { createHash, createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER, type LogFields } from '../core/ports/log.ts';
import { HmacAuthenticator, type SignedRequest } from './hmac-authenticator.ts';

const FIRST_KEY = Buffer.from('first key').toString('base64');
const SECOND_KEY = Buffer.from('second key').toString('base64');
const NOW_MS = Date.UTC(2026, 3, 2, 9, 0, 0);

let clock: ManualClock;
let lines: LogFields[];
let authenticator: HmacAuthenticator;
beforeEach(() => {
  clock = new ManualClock(NOW_MS);
  lines = [];
  authenticator = new HmacAuthenticator(
    { accessKeys: [FIRST_KEY, SECOND_KEY], ownHosts: ['tapedeck.test:8443', 'localhost', '::1'] },
    clock,
    { ...SILENT_LOGGER, warn: (fields) => lines.push(fields) },
  );
});

type Signing = {
  readonly key?: string;
  readonly host?: string;
  readonly path?: string;
  readonly dateMs?: number;
};

/** Signs as the SDKs do, apart from what `signing` replaces. */
function signed(
  request: { method?: string; rawUrl: string; body?: string; headers?: Record<string, string> },
  signing: Signing = {},
): SignedRequest {
  const body = Buffer.from(request.body ?? '');
  const method = request.method ?? 'POST';
  const host = request.headers?.['host'] ?? 'tapedeck.test:8443';
  const date = new Date(signing.dateMs ?? NOW_MS).toUTCString();
  const hash = createHash('sha256').update(body).digest('base64');
  const text = `${method}\n${signing.path ?? request.rawUrl}\n${date};${signing.host ?? host};${hash}`;
  const signature = createHmac('sha256', Buffer.from(signing.key ?? FIRST_KEY, 'base64'))
    .update(text)
    .digest('base64');
  return {
    method,
    rawUrl: request.rawUrl,
    body,
    headers: {
      host,
      'x-ms-date': date,
      'x-ms-content-sha256': hash,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
      ...request.headers,
    },
  };
}

const START = { rawUrl: '/calling/recordings?api-version=2026-03-12', body: '{"a":1}' };
const CONTENT = { method: 'GET', rawUrl: '/v1/objects/0-td-1-ab/content/video?x=1' };

describe('accepted', () => {
  test.each([
    ['the Host header is signed', START, {}],
    ['the second key is used', START, { key: SECOND_KEY }],
    ['the port is left out (Java)', START, { host: 'tapedeck.test' }],
    ['the slash of the endpoint is signed (Python)', START, { host: 'tapedeck.test:8443/' }],
    [
      'a configured host is signed though another was connected to',
      { ...CONTENT, headers: { host: 'rec.asm.skype.com:8443' } },
      { host: 'tapedeck.test:8443' },
    ],
    [
      'a configured host is signed with the port, and x-ms-host names it alone',
      { ...CONTENT, headers: { host: 'rec.asm.skype.com:38297', 'x-ms-host': 'localhost' } },
      { host: 'localhost:38297' },
    ],
    [
      'x-ms-host names one of ours with a mapped port',
      { ...CONTENT, headers: { host: 'rec.asm.skype.com', 'x-ms-host': 'tapedeck.test:9999' } },
      { host: 'tapedeck.test:9999' },
    ],
    [
      'an IPv6 address of ours is signed, with a mapped port',
      { ...CONTENT, headers: { host: 'rec.asm.skype.com', 'x-ms-host': '[::1]:9999' } },
      { host: '[::1]:9999' },
    ],
    ['an IPv6 address of ours is signed without its port', START, { host: '[::1]' }],
    [
      'the query of a content path is not signed',
      CONTENT,
      { path: '/v1/objects/0-td-1-ab/content/video' },
    ],
    [
      'the client decoded what it had signed encoded',
      { method: 'GET', rawUrl: '/calling/callConnections/c/participants/4:+155?api-version=1' },
      { path: '/calling/callConnections/c/participants/4%3A%2B155?api-version=1' },
    ],
    ['the date is 14 minutes old', START, { dateMs: NOW_MS - 14 * 60_000 }],
    ['the date is 14 minutes ahead', START, { dateMs: NOW_MS + 14 * 60_000 }],
  ])('%s', (_, request, signing) => {
    expect(authenticator.refusal(signed(request, signing))).toBeUndefined();
  });

  test('the same signature a second time, as SDK retries send it', () => {
    const request = signed(START);
    expect(authenticator.refusal(request)).toBeUndefined();
    expect(authenticator.refusal(request)).toBeUndefined();
  });
});

describe('refused', () => {
  test.each([
    ['another key', START, { key: Buffer.from('wrong').toString('base64') }, /does not match/],
    ['another host', START, { host: 'evil.test' }, /does not match/],
    ['another path', START, { path: '/calling/recordings/x?api-version=1' }, /does not match/],
    ['a query that was not signed', START, { path: '/calling/recordings' }, /does not match/],
    [
      'an x-ms-host that is not ours',
      { ...START, headers: { 'x-ms-host': 'evil.test' } },
      { host: 'evil.test' },
      /does not match/,
    ],
    [
      'a forwarded host that is not ours',
      { ...START, headers: { 'x-forwarded-host': 'evil.test' } },
      { host: 'evil.test' },
      /does not match/,
    ],
    ['a date of 16 minutes ago', START, { dateMs: NOW_MS - 16 * 60_000 }, /x-ms-date/],
    ['a date of in 16 minutes', START, { dateMs: NOW_MS + 16 * 60_000 }, /x-ms-date/],
    [
      'a body other than the hashed one',
      { ...START, headers: { 'x-ms-content-sha256': 'AAAA' } },
      {},
      /x-ms-content-sha256/,
    ],
    ['no date', { ...START, headers: { 'x-ms-date': '' } }, {}, /x-ms-date/],
    ['a bearer token', { ...START, headers: { authorization: 'Bearer x' } }, {}, /Authorization/],
    [
      'fewer signed headers',
      { ...START, headers: { authorization: 'HMAC-SHA256 SignedHeaders=host&Signature=AAAA' } },
      {},
      /Authorization/,
    ],
  ])('%s', (_, request, signing, reason) => {
    expect(authenticator.refusal(signed(request, signing))).toMatch(reason);
    expect(lines).toHaveLength(1);
  });

  test('the log has the string to sign that was expected, the caller does not', () => {
    const reason = authenticator.refusal(signed(START, { host: 'evil.test' }));
    expect(lines[0]?.['expectedStringToSign']).toMatch(
      /^POST\n\/calling\/recordings\?api-version=2026-03-12\n.* GMT;tapedeck\.test:8443;/,
    );
    expect(reason).not.toContain('tapedeck.test');
  });

  test('for Java the log shows where the signed string differs', () => {
    const sent = Buffer.from('POST\n/calling/recordingz').toString('base64');
    authenticator.refusal(
      signed(
        { ...START, headers: { 'x-ms-hmac-string-to-sign-base64': sent } },
        { host: 'evil.test' },
      ),
    );
    expect(lines[0]).toMatchObject({
      sentStringToSign: 'POST\n/calling/recordingz',
      firstDifferenceAt: 'POST\n/calling/recording'.length,
    });
  });
});
