import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { derivedKey } from './derived-key.ts';
import { SignedLinks } from './signed-links.ts';

const PATH = '/v1/objects/0-td-1-ab/content/video';

function setUp(): { clock: ManualClock; links: SignedLinks; se: string; sig: string } {
  const clock = new ManualClock();
  const links = new SignedLinks(derivedKey('secret', 'links'), clock);
  const query = new URL(links.sign(PATH, 60), 'http://x').searchParams;
  return { clock, links, se: query.get('se')!, sig: query.get('sig')! };
}

test('a link opens its path until it expires', () => {
  const { clock, links, se, sig } = setUp();
  clock.advance(59_000);
  expect(links.check(PATH, { se, sig })).toBe('valid');
  clock.advance(2_000);
  expect(links.check(PATH, { se, sig })).toBe('expired');
});

test('a link opens nothing else, and cannot be prolonged', () => {
  const { links, se, sig } = setUp();
  expect(links.check(`${PATH}x`, { se, sig })).toBe('invalid');
  expect(links.check(PATH, { se: String(Number(se) + 1), sig })).toBe('invalid');
  expect(links.check(PATH, { se, sig: 'AAAA' })).toBe('invalid');
});
