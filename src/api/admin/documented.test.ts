import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ApiHarness, errorOf } from '../../../test/support/api-harness.ts';

const api = new ApiHarness();

test('every request in docs/admin-api.md is there, and wants credentials', async () => {
  const text = readFileSync(new URL('../../../docs/admin-api.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([A-Z]+) (\/admin\/\S+)` \|/gm)];
  expect(rows).toHaveLength(15);
  for (const [, method = '', path = ''] of rows) {
    const url = path.replace(/\{\w+\}/g, 'x');
    const response = await api.app.inject({ method: method as 'GET', url });
    // What is not there is 404 for strangers too.
    expect([method, path, response.statusCode]).toEqual([method, path, 401]);
    expect(errorOf(response).code).toBe('7509');
  }
});
