import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatChallenge, parseCredentials, type DigestChallenge } from './digest-header.ts';
import { answerChallenge, chooseChallenge, verifyDigest, type AnswerOptions } from './digest.ts';

const CHALLENGE: DigestChallenge = {
  realm: 'http-auth@example.org',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
  algorithm: 'MD5',
  qop: 'auth',
  stale: false,
};

const ANSWER: AnswerOptions = {
  username: 'Mufasa',
  password: 'Circle of Life',
  method: 'GET',
  uri: '/dir/index.html',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  nonceCount: 1,
};

describe('answers', () => {
  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('with %s are those of RFC 7616 §3.9.1', (algorithm, response) => {
    const text = answerChallenge({ ...CHALLENGE, algorithm }, ANSWER);
    expect(text).toContain(`response="${response}"`);
    expect(text).toContain('nc=00000001');
    expect(text).toContain(`opaque="${CHALLENGE.opaque ?? ''}"`);
  });

  test('to a server of RFC 2069 leave out what it does not know', () => {
    const challenge = {
      ...CHALLENGE,
      realm: 'testrealm@host.com',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      qop: undefined,
    };
    const text = answerChallenge(challenge, { ...ANSWER, password: 'CircleOfLife' });
    expect(text).toContain('response="1949323746fe6a43ef61f9606e7febea"');
    expect(text).not.toContain('cnonce');
  });

  test('go to the first challenge that can be answered', () => {
    const values = [
      'Basic realm="x"',
      'Digest realm="x", nonce="1", algorithm=SHA-512-256, qop="auth"',
      'Digest realm="x", nonce="2", algorithm=SHA-256, qop="auth-int, auth"',
      'Digest realm="x", nonce="3"',
    ];
    expect(chooseChallenge(values)).toMatchObject({ nonce: '2', algorithm: 'SHA-256' });
    expect(chooseChallenge(values.slice(0, 2))).toBeUndefined();
  });
});

describe('verification', () => {
  const text = fc.string({ unit: 'grapheme' }).map((value) => value.replace(/[\r\n]/g, ''));

  test('accepts what answerChallenge made, and only with that password and method', () => {
    fc.assert(
      fc.property(
        fc.record({ username: text, password: text, cnonce: text, realm: text, nonce: text }),
        fc.constantFrom('MD5' as const, 'SHA-256' as const),
        fc.integer({ min: 1, max: 0xffff_ffff }),
        ({ username, password, cnonce, realm, nonce }, algorithm, nonceCount) => {
          const challenge = { ...CHALLENGE, realm, nonce, algorithm };
          const answer = {
            username,
            password,
            method: 'REGISTER',
            uri: 'sip:h',
            cnonce,
            nonceCount,
          };
          const credentials = parseCredentials(answerChallenge(challenge, answer));
          if (!credentials.ok) throw new Error(credentials.defect);
          const { value } = credentials;
          expect(value).toMatchObject({ username, realm, nonce, nonceCount, algorithm });
          const method = 'REGISTER';
          expect(verifyDigest(value, { method, realm, password })).toBe(true);
          expect(verifyDigest(value, { method: 'INVITE', realm, password })).toBe(false);
          expect(verifyDigest(value, { method, realm, password: `${password}x` })).toBe(false);
          expect(verifyDigest(value, { method, realm: `${realm}x`, password })).toBe(false);
          const later = { ...value, nonceCount: value.nonceCount + 1 };
          expect(verifyDigest(later, { method, realm, password })).toBe(false);
        },
      ),
    );
  });

  test('refuses a response that is shorter, longer or empty', () => {
    const credentials = parseCredentials(answerChallenge(CHALLENGE, ANSWER));
    if (!credentials.ok) throw new Error(credentials.defect);
    const { response } = credentials.value;
    for (const forged of ['', response.slice(1), `${response}0`]) {
      const options = { method: 'GET', realm: CHALLENGE.realm, password: ANSWER.password };
      expect(verifyDigest({ ...credentials.value, response: forged }, options)).toBe(false);
    }
  });

  test('a challenge is read back as it was written', () => {
    const challenge = { ...CHALLENGE, realm: 'a "b" \\c', stale: true };
    expect(chooseChallenge([formatChallenge(challenge)])).toEqual(challenge);
    const plain = { ...challenge, qop: undefined, opaque: undefined, stale: false };
    expect(chooseChallenge([formatChallenge(plain)])).toEqual(plain);
  });
});
