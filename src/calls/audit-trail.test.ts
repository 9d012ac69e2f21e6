import { expect, test } from 'vitest';
import { AuditTrail } from './audit-trail.ts';
import { AnsweredCall } from './testing/answered-call.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const CHUNK = { documentId: '0-td-1-a', recordingId: 'recording' } as never;

test('every download and every reading of the metadata leaves a row', async () => {
  const call = await AnsweredCall.begin();
  const { documentId, recordingId } = await call.recorded();
  await (await call.calls.content.open(documentId, 'access-key 192.0.2.1')).close();
  await call.calls.content.metadata(documentId, 'signed-link 192.0.2.2');
  await settled();
  const nowMs = call.world.clock.nowMs();
  expect(await call.calls.admin.audit({ limit: 10 })).toMatchObject([
    { action: 'metadata-read', actor: 'signed-link 192.0.2.2', documentId, recordingId },
    { action: 'downloaded', actor: 'access-key 192.0.2.1', documentId, atMs: nowMs },
  ]);
});

test('the ranges of a download leave one row a minute, other readers one of their own', async () => {
  const world = new FakeWorld();
  const trail = new AuditTrail(world.ports);
  for (let range = 0; range < 100; range += 1) await trail.read('downloaded', CHUNK, 'a');
  await trail.read('downloaded', CHUNK, 'b');
  world.clock.advance(60_000);
  await trail.read('downloaded', CHUNK, 'a');
  await settled();
  expect(world.ledger.rows('audit').map((row) => row.actor)).toEqual(['a', 'b', 'a']);
});

test('a download does not wait for its row, until too many are on their way', async () => {
  const world = new FakeWorld();
  const answers: (() => void)[] = [];
  world.ledger.commit = () => new Promise((resolve) => answers.push(resolve));
  const trail = new AuditTrail(world.ports);
  let answered = 0;
  for (let reader = 0; reader < 300; reader += 1) {
    void trail.read('downloaded', CHUNK, `reader ${reader}`).then(() => (answered += 1));
  }
  await settled();
  expect(answered).toBe(256);
  for (const answer of answers) answer();
  await trail.idle();
  await settled();
  expect(answered).toBe(300);
});

test('a ledger that refuses the row does not cost the download', async () => {
  const world = new FakeWorld();
  world.ledger.refusals = 1;
  const trail = new AuditTrail(world.ports);
  await trail.read('downloaded', CHUNK, 'a');
  await trail.idle();
  expect(world.ledger.rows('audit')).toEqual([]);
});
