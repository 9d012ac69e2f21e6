import { expect, test } from 'vitest';
import type { AudioFormat, LocalMedia } from '../core/media-format.ts';
import { Calls } from './calls.ts';
import { FakeIncoming, PCMA, PCMU } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const G722: AudioFormat = { codec: 'G722', payloadType: 9, clockRateHz: 8_000 };
const OPUS: AudioFormat = { codec: 'opus', payloadType: 96, clockRateHz: 48_000 };

/** A caller that offers these formats dials somebody who has a phone here. */
async function calling(
  offered: readonly AudioFormat[],
): Promise<{ readonly world: FakeWorld; readonly caller: FakeIncoming }> {
  const world = new FakeWorld();
  world.signalling.contacts.set('bob', ['sip:bob@192.0.2.7']);
  const calls = new Calls(world.ports, world.settings({}));
  const caller = new FakeIncoming('alice', 'bob');
  caller.offeredFormats = offered;
  await calls.start();
  world.signalling.onInvite(caller);
  await settled();
  return { world, caller };
}

function codecs(media: LocalMedia | undefined): readonly string[] {
  return media?.formats.map((format) => format.codec) ?? [];
}

test('the callee is offered what the caller can do, in its order, and its choice is the answer', async () => {
  const { world, caller } = await calling([OPUS, PCMA, PCMU]);
  const [placed] = world.signalling.placed;
  expect(codecs(placed?.request.media)).toEqual(['opus', 'PCMA', 'PCMU']);
  placed?.accept(PCMA);
  await settled();
  expect(codecs(caller.accepted)).toEqual(['PCMA', 'opus', 'PCMU']);
});

test('with nothing in common the callee is offered everything, and the caller keeps its codec', async () => {
  const { world, caller } = await calling([G722]);
  expect(codecs(world.signalling.placed[0]?.request.media)).toEqual(['G722']);
  world.signalling.placed[0]?.refuse(488, 'Not Acceptable Here');
  await settled();
  expect(caller.isOver).toBe(false);
  const again = world.signalling.placed[1];
  expect(codecs(again?.request.media)).toEqual(['G722', 'PCMU', 'PCMA', 'opus', 'L16']);
  again?.accept(PCMU);
  await settled();
  expect(codecs(caller.accepted)).toEqual(['G722']);
  expect(world.media.legs.size).toBe(2);
});

test('who refuses everything too is not asked again', async () => {
  const { world, caller } = await calling([G722]);
  world.signalling.placed[0]?.refuse(488, 'Not Acceptable Here');
  await settled();
  world.signalling.placed[1]?.refuse(488, 'Not Acceptable Here');
  await settled();
  expect(world.signalling.placed).toHaveLength(2);
  expect(caller.ended?.status).toBe(488);
});

test('who is busy is not asked again', async () => {
  const { world, caller } = await calling([G722]);
  world.signalling.placed[0]?.refuse(486, 'Busy Here');
  await settled();
  expect(world.signalling.placed).toHaveLength(1);
  expect(caller.ended?.status).toBe(486);
});
