import type { Resource } from '../../core/ports/bot-calls.ts';
import type { Leg, LiveCall } from '../live-call.ts';
import type { LiveBot } from './live-bot.ts';
import { botIdentitySet, identitySet, odataType, participantInfo } from './resources.ts';

/** Everybody in a call as bots see them: people, and the bots themselves. */
export function botRoster(call: LiveCall): readonly Resource[] {
  const bots = [...call.connections.values()].flatMap(({ bot }) =>
    bot === undefined ? [] : [participantOfBot(bot, call.rosterSequence)],
  );
  return [
    ...[...call.legs.values()].map((leg) => participantOfLeg(leg, call.rosterSequence)),
    ...bots,
  ];
}

export function participantOfLeg(leg: Leg, rosterSequence: number): Resource {
  const { membershipId, participant, displayName, isMuted, isOnHold } = leg;
  const identities = identitySet(participant, displayName);
  return {
    ...participantResource(membershipId, identities, isMuted, rosterSequence),
    // What is on hold is heard by nobody; the vendor's model has no other place to say so.
    metadata: isOnHold ? 'onHold' : null,
  };
}

function participantOfBot(bot: LiveBot, rosterSequence: number): Resource {
  const { hold, isMuted, recordingStatus } = bot;
  const identities = botIdentitySet(hold);
  return {
    ...participantResource(hold.participantId, identities, isMuted, rosterSequence),
    recordingInfo:
      recordingStatus === undefined
        ? null
        : {
            ...odataType('recordingInfo'),
            initiator: participantInfo(identities, hold.participantId),
            recordingStatus,
          },
  };
}

function participantResource(
  id: string,
  identities: Resource,
  isMuted: boolean,
  rosterSequenceNumber: number,
): Resource {
  return {
    ...odataType('participant'),
    id,
    info: participantInfo(identities, id),
    isInLobby: false,
    isMuted,
    mediaStreams: [
      {
        ...odataType('mediaStream'),
        mediaType: 'audio',
        label: 'main-audio',
        sourceId: sourceIdOf(id),
        direction: 'sendReceive',
        serverMuted: isMuted,
      },
    ],
    metadata: null,
    recordingInfo: null,
    removedState: null,
    restrictedExperience: null,
    rosterSequenceNumber,
  };
}

/** A small number, the same for one membership whenever it is asked. */
function sourceIdOf(membershipId: string): string {
  let sum = 0;
  for (const letter of membershipId) sum = (sum * 31 + letter.charCodeAt(0)) % 65_521;
  return String(sum + 1);
}
