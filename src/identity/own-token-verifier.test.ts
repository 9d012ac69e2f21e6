import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasRole } from '../core/application.ts';
import {
  BOT,
  BOT_ID,
  COMMUNICATION,
  GRAPH,
  ISSUER,
  TENANT_ID,
  TokenStack,
} from './testing/token-stack.ts';

let stack: TokenStack;
beforeAll(async () => {
  stack = await TokenStack.open([
    BOT,
    {
      ...BOT,
      applicationId: 'aaaaaaaa-0000-4000-8000-000000000009',
      name: 'graph-only',
      callAutomation: false,
    },
  ]);
});
afterAll(() => stack.close());

const graphDefect = async (authorization: string | undefined): Promise<string> => {
  const verified = await stack.verifier.verify(authorization, 'graph');
  return verified.ok ? 'accepted' : verified.defect;
};

test('a token that we gave says who it is of, and with which roles', async () => {
  const verified = await stack.verifier.verify(await stack.authorization(), 'graph');
  expect(verified).toMatchObject({
    ok: true,
    value: {
      applicationId: BOT_ID,
      tenantId: TENANT_ID,
      roles: ['Calls.Initiate.All', 'Calls.AccessMedia.All'],
      application: { name: 'ivr' },
    },
  });
  // Nobody who has the result can leak what was configured beside it.
  expect(JSON.stringify(verified)).not.toContain(BOT.secrets[0]);
});

test('a token is for the one API that it was asked for', async () => {
  const forGraph = await stack.authorization(GRAPH);
  const forCalls = await stack.authorization(COMMUNICATION);
  expect(await graphDefect(forGraph)).toBe('accepted');
  expect(await graphDefect(forCalls)).toBe('audience-wrong');
  const verify = (authorization: string): Promise<{ readonly ok: boolean }> =>
    stack.verifier.verify(authorization, 'communication');
  expect(await verify(forCalls)).toMatchObject({ ok: true, value: { roles: [] } });
  expect(await verify(forGraph)).toEqual({ ok: false, defect: 'audience-wrong' });
});

test('any bit of the signature counts', async () => {
  const authorization = await stack.authorization();
  const [head = '', body = '', signature = ''] = authorization.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 61) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const token = [head, body, changed.toString('base64url')].join('.');
    expect(await graphDefect(token)).toBe('signature-invalid');
  }
  // The last character has two bits that no byte needs: they are none of the signature.
  const last = signature.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const neighbour = alphabet[alphabet.indexOf(last) ^ 1] ?? '';
  const twin = `${head}.${body}.${signature.slice(0, -1)}${neighbour}`;
  expect(Buffer.from(twin.split('.')[2] ?? '', 'base64url')).toEqual(bytes);
  expect(await graphDefect(twin)).toBe('malformed');
});

describe('what is not taken', () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['one that has expired', { exp: 1_893_455_000 }, 'expired'],
    ['one for later', { nbf: 1_893_459_000 }, 'not-yet-valid'],
    ['one that never expires', { exp: undefined }, 'malformed'],
    ['one without an audience', { aud: undefined }, 'malformed'],
    ['one for somebody else', { aud: 'https://vault.azure.net' }, 'audience-wrong'],
    [
      'one for our name as somebody else’s path',
      { aud: 'https://x.test/127.0.0.1' },
      'audience-wrong',
    ],
    [
      'one of another issuer',
      { iss: 'https://login.microsoftonline.com/x/v2.0' },
      'issuer-unknown',
    ],
    ['one of another tenant’s issuer', { tid: BOT_ID }, 'issuer-unknown'],
    ['one of an application that is gone', { azp: TENANT_ID }, 'application-unknown'],
    ['one without an application', { azp: undefined }, 'malformed'],
    ['one of a person', { scp: 'Calls.AccessMedia.All' }, 'delegated'],
    ['one that says it is of a person', { idtyp: 'user' }, 'delegated'],
  ])('%s', async (_name, claims, defect) => {
    expect(await graphDefect(await stack.signed({}))).toBe('accepted');
    expect(await graphDefect(await stack.signed(claims))).toBe(defect);
  });

  test('roles that the configuration has taken back, and roles of nobody', async () => {
    const authorization = await stack.signed({
      roles: ['Calls.AccessMedia.All', 'Calls.JoinGroupCall.All', 'Mail.Read', 7],
    });
    const verified = await stack.verifier.verify(authorization, 'graph');
    if (!verified.ok) throw new Error(verified.defect);
    expect(verified.value.roles).toEqual(['Calls.AccessMedia.All']);
    expect(hasRole(verified.value, 'Calls.Initiate.All')).toBe(false);
    const none = await stack.verifier.verify(await stack.signed({ roles: undefined }), 'graph');
    expect(none).toMatchObject({ ok: true, value: { roles: [] } });
  });

  test('an application that may not drive Call Automation, whatever its token says', async () => {
    const authorization = await stack.signed({
      azp: 'aaaaaaaa-0000-4000-8000-000000000009',
      aud: COMMUNICATION,
    });
    expect(await stack.verifier.verify(authorization, 'communication')).toEqual({
      ok: false,
      defect: 'application-unknown',
    });
  });

  test('a key id that is not ours, or none', async () => {
    for (const kid of ['somebody-elses', '', undefined]) {
      expect(await graphDefect(await stack.signed({}, { kid }))).toBe('signature-invalid');
    }
  });

  test('another algorithm: none, one with a shared secret, or another of the same key', async () => {
    const claims = { iss: ISSUER, aud: GRAPH, azp: BOT_ID, tid: TENANT_ID, exp: 1_893_460_000 };
    const none = new UnsecuredJWT(claims).encode();
    expect(await graphDefect(`Bearer ${none}`)).toBe('signature-invalid');
    const { kid, publicKey } = await stack.keys.current();
    // The classic: the public key, which everybody has, as the secret of an HMAC.
    const secret = Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }));
    const symmetric = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid })
      .sign(secret);
    expect(await graphDefect(`Bearer ${symmetric}`)).toBe('signature-invalid');
    const probabilistic = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'PS256', kid })
      .sign(await stack.privateKey());
    expect(await graphDefect(`Bearer ${probabilistic}`)).toBe('signature-invalid');
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(stranger);
    expect(await graphDefect(`Bearer ${forged}`)).toBe('signature-invalid');
  });

  test.each([
    [undefined, 'missing'],
    ['', 'missing'],
    ['Bearer', 'missing'],
    ['Bearer ', 'missing'],
    ['Basic YTpi', 'missing'],
    ['Bearer x', 'malformed'],
    ['Bearer a.b.c', 'malformed'],
    ['Bearer ..', 'malformed'],
    ['Bearer a.b.c d', 'malformed'],
    [`Bearer ${'a'.repeat(20_000)}.b.c`, 'malformed'],
    ['Bearer eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.AAAA', 'signature-invalid'],
  ])('%s', async (authorization, defect) => {
    expect(await graphDefect(authorization)).toBe(defect);
  });
});

describe('whatever comes in the header is refused, and nothing is thrown', () => {
  test('any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        expect(await graphDefect(text)).toBe('missing');
        expect(await graphDefect(`Bearer ${text}`)).toMatch(/^(missing|malformed)$/);
      }),
      { numRuns: 300 },
    );
  });

  test('any header and any claims', async () => {
    const { kid } = await stack.keys.current();
    const part = (value: unknown): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const header = fc.record(
      {
        alg: fc.oneof(fc.constantFrom('RS256', 'none', 'HS256', 'RS512'), fc.jsonValue()),
        kid: fc.oneof(fc.constant(kid), fc.jsonValue()),
        crit: fc.jsonValue(),
        b64: fc.jsonValue(),
        jwk: fc.jsonValue(),
        jku: fc.webUrl(),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(header, fc.jsonValue(), fc.base64String(), async (head, claims, sign) => {
        const signature = Buffer.from(sign, 'base64').toString('base64url');
        const token = `Bearer ${part(head)}.${part(claims)}.${signature}`;
        expect(await graphDefect(token)).toMatch(/^(malformed|signature-invalid)$/);
      }),
      { numRuns: 500 },
    );
  });
});
