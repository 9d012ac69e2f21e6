import { describe, expect, test } from 'vitest';
import { isKnownTo } from './generation.ts';

describe('what parsers know', () => {
  test.each([
    ['CallConnected', '2023-03-06', true],
    ['AddParticipantFailed', '2023-03-06', true],
    ['PlayCanceled', '2023-03-06', true],
    ['SendDtmfTonesCompleted', '2023-10-15', false],
    ['CancelAddParticipantFailed', '2024-04-15', true],
    ['CreateCallFailed', '2023-03-06', false],
    ['CreateCallFailed', '', false],
    ['CreateCallFailed', '2024-09-15', false],
    ['CreateCallFailed', '2024-11-15-preview', true],
    ['AnswerFailed', '2025-06-15', true],
    ['HoldFailed', '2024-09-15', false],
    ['PlayStarted', '2024-11-15', true],
    ['StartRecordingFailed', '2024-11-15', false],
    ['MoveParticipantSucceeded', '2025-06-15', false],
    ['MoveParticipantSucceeded', '2026-03-12', true],
  ])('%s and %s: %s', (name, version, known) => {
    expect(isKnownTo(version, name)).toBe(known);
  });
});
