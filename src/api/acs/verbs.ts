/**
 * The vendor ends a path with `:verb`. Routers split paths on `/` only, so the verb is made a
 * segment of its own before routing: `/calling/recordings/{id}:pause` → `…/{id}/~pause`.
 */
export const VERB_SEGMENT_PREFIX = '~';

/** Operations that exist at the vendor and are answered 405 here. */
export const UNBUILT_CALL_VERBS = [
  'startTranscription',
  'stopTranscription',
  'updateTranscription',
  'interruptAudioAndAnnounce',
] as const;

export const UNBUILT_PARTICIPANT_VERBS = ['unmute'] as const;

const KNOWN_VERBS: ReadonlySet<string> = new Set([
  'answer',
  'redirect',
  'reject',
  'connect',
  'terminate',
  'pause',
  'resume',
  'transferToParticipant',
  'hold',
  'unhold',
  'add',
  'remove',
  'mute',
  'cancelAddParticipant',
  'moveHere',
  'play',
  'cancelAllMediaOperations',
  'recognize',
  'startContinuousDtmfRecognition',
  'stopContinuousDtmfRecognition',
  'sendDtmfTones',
  'startMediaStreaming',
  'stopMediaStreaming',
  ...UNBUILT_CALL_VERBS,
  ...UNBUILT_PARTICIPANT_VERBS,
]);

/** Path and query with the verb after the last colon, if it is one, as a segment of its own. */
export function splitVerb(url: string): string {
  if (!url.startsWith('/calling/')) return url;
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = queryAt < 0 ? '' : url.slice(queryAt);
  const colonAt = path.lastIndexOf(':');
  const verb = path.slice(colonAt + 1);
  // A path that spells the inner form itself is not an address of ours.
  if (path.includes(`/${VERB_SEGMENT_PREFIX}`)) return '/calling/';
  if (colonAt < 0 || !KNOWN_VERBS.has(verb)) return url;
  return `${path.slice(0, colonAt)}/${VERB_SEGMENT_PREFIX}${verb}${query}`;
}
