import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { graphPath } from './graph-path.ts';

const ID = '2f0b5d77-0f7b-4bb6-8b7c-5d0a0c6a1e42';
const CAPITALS = '2F0B5D770F7B4BB68B7C5D0A0C6A1E42';
const CALL = `/v1.0/communications/calls/${ID}`;

describe('one path in many forms', () => {
  test.each([
    [`/v1.0/communications/calls/${ID}/answer`, `${CALL}/answer`],
    [`/v1.0/communications/calls/${CAPITALS}/answer`, `${CALL}/answer`],
    [`/v1.0/communications/calls/${ID.toUpperCase()}/answer`, `${CALL}/answer`],
    [`/v1.0/communications/calls/${ID}/microsoft.graph.answer`, `${CALL}/answer`],
    [`/v1.0/communications/calls/${ID}/Microsoft.Graph.Answer`, `${CALL}/answer`],
    [`/v1.0/communications/calls('${ID}')/answer`, `${CALL}/answer`],
    [`/v1.0/communications/calls(%27${CAPITALS}%27)/answer`, `${CALL}/answer`],
    [`/v1.0/communications/calls(${ID})`, CALL],
    [`/V1.0/Communications/CALLS/${ID}/RecordResponse`, `${CALL}/recordResponse`],
    [`/v1.0/app/calls/${ID}`, CALL],
    [`/v1.0/applications/some-app/calls/${ID}`, CALL],
    [`/v1.0//communications/calls/${ID}/`, CALL],
    [
      `/beta/communications/calls/${CAPITALS}/participants/${CAPITALS}/mute`,
      `/beta/communications/calls/${ID}/participants/${ID}/mute`,
    ],
    [`/v1.0/communications/calls/${ID}/operations('${CAPITALS}')`, `${CALL}/operations/${ID}`],
    [`/v1.0/communications/calls/${ID}?$select=id,state`, `${CALL}?$select=id,state`],
    [`/v1.0/communications/calls/not-an-id/answer`, '/v1.0/communications/calls/not-an-id/answer'],
  ])('%s', (given, expected) => {
    expect(graphPath(given)).toBe(expected);
  });
});

test.each([
  '/calling/callConnections/abc/answer',
  '/v1/objects/0-td-1-AB/content/video',
  '/v1.0x/communications',
  '/betamax',
  '/admin/calls?APP=1',
])('%s is none of it', (path) => {
  expect(graphPath(path)).toBe(path);
});

test('no text breaks it', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(graphPath(`/v1.0/${text}`)).toMatch(/^\/v1\.0/);
    }),
  );
});
