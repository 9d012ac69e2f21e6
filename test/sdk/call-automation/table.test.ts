import { expect, test } from 'vitest';
import { clientEvents, clientOperations, isClientMethod } from './client.ts';
import { callAutomationTables } from './table.ts';
import { titlesOf } from './titles.ts';

test('operations and events are those of the client, with what it expects', () => {
  expect(clientOperations()).toContainEqual({
    name: 'moveParticipants',
    method: 'POST',
    path: '/calling/callConnections/{callConnectionId}/participants:moveHere',
    statuses: [202],
  });
  expect(clientOperations()).toContainEqual({
    name: 'startRecording',
    method: 'POST',
    path: '/calling/recordings',
    statuses: [200, 202],
  });
  expect(clientEvents()).toContainEqual({ name: 'CallConnected', since: '1.0.0' });
  expect(clientEvents()).toContainEqual({ name: 'SendDtmfTonesFailed', since: '1.2.0' });
  expect(clientEvents()).toContainEqual({ name: 'MoveParticipantFailed', since: '1.6.0' });
  expect(['moveParticipants', 'moveHere'].map(isClientMethod)).toEqual([true, false]);
});

test('titles are of tests that run, with the descriptions around them', () => {
  const source = `
    test('alone', () => {});
    describe('a call', () => {
      test.each([1])('of %d', () => {});
      test.skip('that never was', () => {});
      describe('of calls', () => { test("within", async () => {}); });
    });
    const other = 'test';
  `;
  expect([...titlesOf(source)]).toEqual(['alone', 'a call › of %d', 'a call › of calls › within']);
});

test('each operation and each event has a row', () => {
  const rows = callAutomationTables().split('\n');
  for (const { name } of [...clientOperations(), ...clientEvents()]) {
    expect(rows.filter((row) => row.startsWith(`| \`${name}\` |`))).toHaveLength(1);
  }
});
