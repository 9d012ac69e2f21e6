import { expect, test } from 'vitest';
import { TapedeckError } from '../../core/error.ts';
import { blobFailure } from './blob-failure.ts';

const URL_SHOWN = 'https://acme.blob.core.windows.net/calls';

/** An SDK error as far as we look at it. */
function answered(statusCode: number, header?: string, code?: string): unknown {
  const headers = new Map(header === undefined ? [] : [['x-ms-error-code', header]]);
  return Object.assign(new Error('GET https://…?sig=secret'), {
    statusCode,
    code,
    response: { headers },
  });
}

test("a refusal has the service's code, from the header or the body", () => {
  for (const cause of [
    answered(404, 'ContainerNotFound'),
    answered(404, undefined, 'ContainerNotFound'),
  ]) {
    const { error, status, serviceCode } = blobFailure(cause, URL_SHOWN);
    expect(error).toMatchObject({ code: 'destination-refused', fault: 'destination' });
    expect(error.message).toBe(`${URL_SHOWN} refused: 404 ContainerNotFound.`);
    expect({ status, serviceCode }).toEqual({ status: 404, serviceCode: 'ContainerNotFound' });
  }
});

test('a missing permission says which are needed', () => {
  const { error } = blobFailure(answered(403, 'AuthorizationFailure'), URL_SHOWN);
  expect(error.message).toContain('read, create and write');
});

test("what a stranger answers as a code is not told, and the SDK's error is not kept", () => {
  for (const code of ['sig=c2VjcmV0', '<script>', 'A'.repeat(100), 'two words', '']) {
    const { error } = blobFailure(answered(400, code), URL_SHOWN);
    expect(error.message).toBe(`${URL_SHOWN} refused: 400.`);
    expect(error.cause).toBeUndefined();
  }
});

test.each([
  [408, true],
  [429, true],
  [500, true],
  [502, true],
  [503, true],
  [504, true],
  [200, false],
  [301, false],
  [400, false],
  [401, false],
  [403, false],
  [404, false],
  [409, false],
  [412, false],
  [501, false],
])('%d is passing: %s', (status, isPassing) => {
  expect(blobFailure(answered(status), URL_SHOWN).isPassing).toBe(isPassing);
});

test('no answer is passing; an address that may not be reached is the destination that refuses', () => {
  const unreachable = new TapedeckError('destination-unreachable', 'Nobody is there.');
  expect(blobFailure(unreachable, URL_SHOWN)).toMatchObject({
    error: unreachable,
    isPassing: true,
  });
  const refused = new TapedeckError('url-refused', 'It is private; --allow-private-urls decides.');
  const { error, isPassing } = blobFailure(refused, URL_SHOWN);
  expect(error).toMatchObject({ code: 'destination-refused', message: refused.message });
  expect(isPassing).toBe(false);
});

test('anything else is no blob storage', () => {
  for (const cause of [new Error('Unclosed root tag https://…?sig=secret'), undefined, 'text']) {
    const { error, isPassing } = blobFailure(cause, URL_SHOWN);
    expect(error.message).toBe(`${URL_SHOWN} does not answer as blob storage does.`);
    expect(error.code).toBe('destination-refused');
    expect(isPassing).toBe(false);
  }
});
