import { describe, expect, test } from 'vitest';
import { ApiHarness, errorOf } from '../../../test/support/api-harness.ts';

const api = new ApiHarness();
const ALICE = { kind: 'phoneNumber', rawId: '4:+15550100', phoneNumber: { value: '+15550100' } };
const BOB = { kind: 'communicationUser', communicationUser: { id: '8:acs:res_bob' } };
const CAROL = { rawId: 'sip:carol@example.test' };

const start = (extra: object): ReturnType<typeof api.start> =>
  api.start(api.startBody({ recordingChannelType: 'unmixed', ...extra }));

describe('who gets which channel', () => {
  test('is told by order and by affinity, in every spelling of an identifier', async () => {
    const response = await start({
      audioChannelParticipantOrdering: [ALICE, BOB, CAROL],
      channelAffinity: [
        { channel: 4, participant: { rawId: '4:+15550100' } },
        { channel: 0, participant: { phoneNumber: { value: '+15550102' }, isAnonymous: false } },
      ],
    });
    expect(response.statusCode).toBe(200);
    expect(api.fake.asked[0]?.command).toMatchObject({
      channelType: 'unmixed',
      channelOrdering: ['4:+15550100', '8:acs:res_bob', 'sip:carol@example.test'],
      channelAffinity: [
        { channel: 4, participantId: '4:+15550100' },
        { channel: 0, participantId: '4:+15550102' },
      ],
    });
  });

  test('may name what is no number at all: nobody is called by it', async () => {
    const participant = { kind: 'phoneNumber', phoneNumber: { value: 'RECORDING_ID' } };
    const response = await start({ channelAffinity: [{ channel: 0, participant }] });
    expect(response.statusCode).toBe(200);
    expect(api.fake.asked[0]?.command).toMatchObject({
      channelAffinity: [{ channel: 0, participantId: '4:RECORDING_ID' }],
    });
  });

  test('is kept for a mixed recording too, of which channels may be made later', async () => {
    await start({ recordingChannelType: 'mixed', audioChannelParticipantOrdering: [ALICE] });
    expect(api.fake.asked[0]?.command).toMatchObject({
      channelType: 'mixed',
      channelOrdering: ['4:+15550100'],
    });
  });

  test('is nobody’s when the lists are empty, as Python sends them, or ask for no channel', async () => {
    await start({ audioChannelParticipantOrdering: [], channelAffinity: [{ participant: BOB }] });
    const command = api.fake.asked[0]?.command;
    expect(command).not.toHaveProperty('channelOrdering');
    expect(command).not.toHaveProperty('channelAffinity');
  });
});

describe('400/8523 names the field', () => {
  const affinity = (channel: number, participant: object): object => ({ channel, participant });
  const many = (count: number): readonly object[] =>
    Array.from({ length: count }, (_, index) => ({ rawId: `sip:p${index}@example.test` }));

  test.each<[string, string, object]>([
    [
      'a channel beyond the limit',
      'channelAffinity[1].channel',
      { channelAffinity: [affinity(4, ALICE), affinity(5, BOB)] },
    ],
    ['a channel below 0', 'channelAffinity[0].channel', { channelAffinity: [affinity(-1, ALICE)] }],
    ['half a channel', 'channelAffinity[0].channel', { channelAffinity: [affinity(0.5, ALICE)] }],
    [
      'the same channel twice',
      'channelAffinity[1].channel',
      { channelAffinity: [affinity(2, ALICE), affinity(2, BOB)] },
    ],
    [
      'the same participant twice, however spelt',
      'channelAffinity[1].participant',
      { channelAffinity: [affinity(1, ALICE), affinity(2, { rawId: '4:+15550100' })] },
    ],
    [
      'an affinity of nobody',
      'channelAffinity[0].participant',
      { channelAffinity: [{ channel: 1 }] },
    ],
    [
      'a participant without a name',
      'channelAffinity[0].participant',
      { channelAffinity: [affinity(1, { kind: 'phoneNumber' })] },
    ],
    [
      'somebody twice in the order',
      'audioChannelParticipantOrdering[2]',
      { audioChannelParticipantOrdering: [ALICE, BOB, ALICE] },
    ],
    [
      'more in order than there are channels',
      'audioChannelParticipantOrdering',
      { audioChannelParticipantOrdering: many(6) },
    ],
    [
      'more in order and affinity together',
      'audioChannelParticipantOrdering',
      { audioChannelParticipantOrdering: many(5), channelAffinity: [affinity(0, ALICE)] },
    ],
  ])('%s', async (_title, field, extra) => {
    for (const recordingChannelType of ['unmixed', 'mixed']) {
      const response = await start({ ...extra, recordingChannelType });
      expect(response.statusCode).toBe(400);
      expect(errorOf(response)).toMatchObject({ code: '8523', target: field });
      expect(errorOf(response).message).toContain(field);
    }
    expect(api.fake.asked).toEqual([]);
  });
});
