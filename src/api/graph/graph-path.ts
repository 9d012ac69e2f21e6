/** Collections of which members are named by their ids. */
const COLLECTIONS = [
  'calls',
  'participants',
  'operations',
  'audioRoutingGroups',
  'contentSharingSessions',
];

/** Names in paths as the routes spell them; clients may write them in any case. */
const NAMES: ReadonlyMap<string, string> = new Map(
  [
    'communications',
    'app',
    'applications',
    ...COLLECTIONS,
    'answer',
    'reject',
    'redirect',
    'transfer',
    'keepAlive',
    'playPrompt',
    'recordResponse',
    'cancelMediaProcessing',
    'subscribeToTone',
    'sendDtmfTones',
    'mute',
    'unmute',
    'updateRecordingStatus',
    'changeScreenSharingRole',
    'addLargeGalleryView',
    'logTeleconferenceDeviceQuality',
    'invite',
    'muteAll',
    'startHoldMusic',
    'stopHoldMusic',
  ].map((name) => [name.toLowerCase(), name]),
);

const PREFIX = /^\/(v1\.0|beta)(?=\/|$)/i;
const KEYED = /^(\w+)\('?([^']*)'?\)$/;
const NAMESPACE = 'microsoft.graph.';
/** With its dashes or without, in any case. */
const GUID = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i;

/**
 * A path of the Graph API in the one form that is routed; others as they are. Clients write the same in
 * many ways: `/communications/calls('{id}')/microsoft.graph.answer`, ids with and without dashes, names in
 * any case, `/app/calls` as in the days of beta.
 */
export function graphPath(url: string): string {
  const prefix = PREFIX.exec(url);
  if (prefix === null) return url;
  const [given, version = ''] = prefix;
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url.slice(given.length) : url.slice(given.length, queryAt);
  const query = queryAt < 0 ? '' : url.slice(queryAt);
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .flatMap(keyAsSegment)
    .map((segment) => guidOf(segment) ?? plainName(segment));
  return `/${[version.toLowerCase(), ...fromRoot(segments)].join('/')}${query}`;
}

/** A GUID as resources have it in `id`; `undefined` if it is none. */
export function guidOf(text: string): string | undefined {
  const parts = GUID.exec(text);
  return parts === null ? undefined : parts.slice(1).join('-').toLowerCase();
}

/** `calls('{id}')` is `calls/{id}`. */
function keyAsSegment(segment: string): readonly string[] {
  const [, name, key] = KEYED.exec(segment.replaceAll(/%27/gi, "'")) ?? [];
  return name === undefined || key === undefined || key === '' ? [segment] : [name, key];
}

function plainName(segment: string): string {
  const name = segment.toLowerCase().startsWith(NAMESPACE)
    ? segment.slice(NAMESPACE.length)
    : segment;
  return NAMES.get(name.toLowerCase()) ?? segment;
}

function fromRoot(segments: readonly string[]): readonly string[] {
  const [first, second, third] = segments;
  if (first === 'app' && second === 'calls') return ['communications', ...segments.slice(1)];
  if (first === 'applications' && third === 'calls')
    return ['communications', ...segments.slice(2)];
  return segments;
}
