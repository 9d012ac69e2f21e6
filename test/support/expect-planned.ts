import { expect } from 'vitest';
import { spansOf, type TonePlan } from './tone-plan.ts';

/** Edges within 20 ms of the plan, seen from the first one; levels within 1 dB. */
export function expectPlanned(clip: Parameters<typeof spansOf>[0], plan: TonePlan): void {
  const found = spansOf(clip, plan.frequencyHz, plan.amplitude);
  expect(found).toHaveLength(plan.spans.length);
  const offsetMs = (found[0]?.startMs ?? 0) - (plan.spans[0]?.startMs ?? 0);
  plan.spans.forEach((planned, index) => {
    const span = found[index]!;
    expect(Math.abs(span.startMs - planned.startMs - offsetMs)).toBeLessThan(20);
    expect(Math.abs(span.endMs - planned.endMs - offsetMs)).toBeLessThan(20);
    expect(Math.abs(20 * Math.log10(span.amplitude / plan.amplitude))).toBeLessThan(1);
  });
}
