import { randomUUID, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeClientCertificate } from '../../test/support/client-certificate.ts';
import { applicationCertificate, pinnedCertificate } from './application-certificate.ts';
import { ClientAssertions } from './client-assertion.ts';
import { BOT, BOT_ID, TokenStack } from './testing/token-stack.ts';

const ENDPOINT = 'https://deck.example.com/tenant/oauth2/v2.0/token';
const NOW_MS = Date.UTC(2030, 0, 1);
const NOW_SECONDS = NOW_MS / 1000;
const PINNED_ID = 'aaaaaaaa-0000-4000-8000-000000000002';

const known = makeClientCertificate(NOW_MS);
const pinned = makeClientCertificate(NOW_MS);
const stranger = makeClientCertificate(NOW_MS);

let stack: TokenStack;
let assertions: ClientAssertions;
beforeAll(async () => {
  stack = await TokenStack.open([
    { ...BOT, certificates: [applicationCertificate(known.certificate)] },
    { ...BOT, applicationId: PINNED_ID, certificates: [pinnedCertificate(pinned.sha256)] },
  ]);
  assertions = new ClientAssertions(stack.applications, stack.clock);
});
afterAll(() => stack.close());

type Changes = {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly signer?: typeof known;
};

const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
const chainOf = ({ certificate }: typeof known): readonly string[] => [
  new X509Certificate(certificate).raw.toString('base64'),
];

/** As MSAL makes one; `undefined` takes something out. */
function assertion({ claims = {}, header = {}, signer = known }: Changes = {}): Promise<string> {
  const usual = {
    iss: BOT_ID,
    sub: BOT_ID,
    aud: ENDPOINT,
    jti: randomUUID(),
    nbf: NOW_SECONDS,
    exp: NOW_SECONDS + 600,
  };
  const fields = { alg: 'PS256', 'x5t#S256': base64url(signer.sha256), ...header };
  const present = (all: object): Record<string, unknown> =>
    Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(present({ ...usual, ...claims }))
    .setProtectedHeader(present(fields) as { alg: string })
    .sign(signer.privateKey);
}

async function check(
  text: string,
  from: { readonly applicationId?: string; readonly peer?: string } = {},
): Promise<string> {
  const checked = await assertions.check({
    applicationId: BOT_ID,
    peer: '192.0.2.1',
    ...from,
    assertion: text,
    isAudience: (audience) => audience === ENDPOINT,
  });
  return checked.ok ? 'accepted' : checked.defect;
}

describe('the key is found', () => {
  test.each<[string, Changes]>([
    ['by its SHA-256 thumbprint', {}],
    [
      'by its SHA-1 thumbprint, as libraries of old sign',
      { header: { alg: 'RS256', 'x5t#S256': undefined, x5t: base64url(known.sha1) } },
    ],
    [
      'in the header, if it is one that is registered',
      {
        header: { 'x5t#S256': undefined, x5c: chainOf(known) },
      },
    ],
  ])('%s', async (_name, changes) => {
    expect(await check(await assertion(changes))).toBe('accepted');
  });

  test('in the header alone, when only its thumbprint is registered', async () => {
    const claims = { iss: PINNED_ID, sub: PINNED_ID };
    const from = { applicationId: PINNED_ID };
    const sent = { claims, signer: pinned, header: { x5c: chainOf(pinned) } };
    expect(await check(await assertion(sent), from)).toBe('accepted');
    const unsent = { claims, signer: pinned };
    expect(await check(await assertion(unsent), from)).toBe('assertion-key-unknown');
    const forged = { claims, signer: stranger, header: { x5c: chainOf(pinned) } };
    expect(await check(await assertion(forged), from)).toBe('assertion-signature-invalid');
    const another = { claims, signer: stranger, header: { x5c: chainOf(stranger) } };
    expect(await check(await assertion(another), from)).toBe('assertion-key-unknown');
  });
});

describe('refused is', () => {
  test.each<[string, Changes, string]>([
    ['a key that nobody registered', { signer: stranger }, 'assertion-key-unknown'],
    [
      'a signature of another key than the header names',
      { signer: stranger, header: { 'x5t#S256': base64url(known.sha256) } },
      'assertion-signature-invalid',
    ],
    ['another algorithm', { header: { alg: 'RS512' } }, 'assertion-signature-invalid'],
    ['one of another application', { claims: { iss: PINNED_ID } }, 'assertion-of-another'],
    ['one about another application', { claims: { sub: PINNED_ID } }, 'assertion-of-another'],
    ['one for another server', { claims: { aud: 'https://x.test/' } }, 'assertion-audience-wrong'],
    ['one that has expired', { claims: { exp: NOW_SECONDS - 301 } }, 'assertion-out-of-time'],
    ['one for later', { claims: { nbf: NOW_SECONDS + 301 } }, 'assertion-out-of-time'],
    [
      'one for longer than a day',
      { claims: { exp: NOW_SECONDS + 86_401 } },
      'assertion-out-of-time',
    ],
    ['one without an end', { claims: { exp: undefined } }, 'assertion-malformed'],
    ['one without a subject', { claims: { sub: undefined } }, 'assertion-malformed'],
  ])('%s', async (_name, changes, defect) => {
    expect(await check(await assertion())).toBe('accepted');
    expect(await check(await assertion(changes))).toBe(defect);
  });

  test('one with a demand that nobody knows', async () => {
    const header = { alg: 'PS256', 'x5t#S256': base64url(known.sha256), crit: ['x'], x: 1 };
    const [, claims = '', signature = ''] = (await assertion()).split('.');
    const text = Buffer.from(JSON.stringify(header)).toString('base64url');
    expect(await check([text, claims, signature].join('.'))).toBe('assertion-malformed');
  });

  test.each(['', 'x', 'a.b.c', 'e30.e30.', `${'a'.repeat(40_000)}.b.c`])('no JWT', async (text) => {
    expect(await check(text)).toMatch(/^assertion-(malformed|key-unknown)$/);
  });
});

describe('an assertion that is used again', () => {
  test('is taken from where it came before: libraries keep it for their next scope', async () => {
    const text = await assertion();
    expect(await check(text)).toBe('accepted');
    expect(await check(text)).toBe('accepted');
    expect(await check(text, { peer: '192.0.2.2' })).toBe('assertion-replayed');
  });

  test('is a replay with other content under the same id', async () => {
    const jti = randomUUID();
    expect(await check(await assertion({ claims: { jti } }))).toBe('accepted');
    const other = await assertion({ claims: { jti, exp: NOW_SECONDS + 500 } });
    expect(await check(other)).toBe('assertion-replayed');
  });

  test('is known by its content when it has no id', async () => {
    const text = await assertion({ claims: { jti: undefined } });
    expect(await check(text)).toBe('accepted');
    expect(await check(text, { peer: '192.0.2.2' })).toBe('assertion-replayed');
  });
});

test('a certificate that is over is of no use, nor one that is not of RSA', async () => {
  stack.clock.advance(2 * 86_400_000);
  const exp = NOW_SECONDS + 2 * 86_400 + 600;
  expect(await check(await assertion({ claims: { nbf: undefined, exp } }))).toBe(
    'assertion-key-unknown',
  );
  expect(() => applicationCertificate('-----BEGIN CERTIFICATE-----\nAAAA\n')).toThrow(TypeError);
});
