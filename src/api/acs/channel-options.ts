import { TapedeckError } from '../../core/error.ts';
import type { StartRecording } from '../../core/ports/call-service.ts';
import { type IdentifierInput, toRawId } from './identifiers.ts';

export type ChannelOptionsInput = {
  audioChannelParticipantOrdering?: readonly IdentifierInput[];
  channelAffinity?: readonly { channel?: number; participant?: IdentifierInput }[];
};

export type ChannelOptions = Pick<StartRecording, 'channelOrdering' | 'channelAffinity'>;

const ORDERING = 'audioChannelParticipantOrdering';

/**
 * Who is to have which channel. They may name anybody, also people who never come. A mixed file has
 * one channel whatever they say; they are checked and kept for it too, since channels can be made of
 * its journal later. An affinity without a channel asks for none in particular.
 *
 * @param maxChannels channels of an unmixed recording here.
 */
export function channelOptions(body: ChannelOptionsInput, maxChannels: number): ChannelOptions {
  const channelOrdering = orderingOf(body);
  const channelAffinity = affinityOf(body, maxChannels);
  const named = new Set(channelOrdering);
  for (const { participantId } of channelAffinity) named.add(participantId);
  if (named.size > maxChannels) {
    throw invalid(
      ORDERING,
      `${named.size} participants are given channels, with channelAffinity; an unmixed recording has ` +
        `${maxChannels} here (--unmixed-channels)`,
    );
  }
  return {
    ...(channelOrdering.length > 0 && { channelOrdering }),
    ...(channelAffinity.length > 0 && { channelAffinity }),
  };
}

function orderingOf(body: ChannelOptionsInput): readonly string[] {
  const seen = new Set<string>();
  return (body.audioChannelParticipantOrdering ?? []).map((wire, index) => {
    const field = `${ORDERING}[${index}]`;
    const rawId = toRawId(wire, field);
    if (seen.has(rawId)) throw invalid(field, 'this participant is in the order already');
    seen.add(rawId);
    return rawId;
  });
}

function affinityOf(
  body: ChannelOptionsInput,
  maxChannels: number,
): NonNullable<ChannelOptions['channelAffinity']> {
  const participants = new Set<string>();
  const channels = new Set<number>();
  return (body.channelAffinity ?? []).flatMap(({ channel, participant }, index) => {
    const field = `channelAffinity[${index}]`;
    if (channel !== undefined && (channel < 0 || channel >= maxChannels)) {
      throw invalid(
        `${field}.channel`,
        `has to be 0 to ${maxChannels - 1}; an unmixed recording has ${maxChannels} channels here ` +
          '(--unmixed-channels)',
      );
    }
    if (participant === undefined) throw invalid(`${field}.participant`, 'is missing');
    const participantId = toRawId(participant, `${field}.participant`);
    if (participants.has(participantId)) {
      throw invalid(`${field}.participant`, 'this participant has an affinity already');
    }
    participants.add(participantId);
    if (channel === undefined) return [];
    if (channels.has(channel)) {
      throw invalid(`${field}.channel`, `channel ${channel} is somebody else’s already`);
    }
    channels.add(channel);
    return [{ channel, participantId }];
  });
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field}: ${problem}.`, {
    field,
  });
}
