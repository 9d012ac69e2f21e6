import { expect, test } from 'vitest';
import { reasonPhrase } from './reasons.ts';

test.each([
  [486, 'Busy Here'],
  [499, 'Bad Request'],
  [299, 'OK'],
  [699, 'Busy Everywhere'],
  [999, 'Unknown'],
])('%i reads %s', (status, phrase) => expect(reasonPhrase(status)).toBe(phrase));
