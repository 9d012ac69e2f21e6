import type { CallSettings } from './calls/context.ts';
import { withoutCredentials } from './config/application-entry.ts';
import type { Configuration } from './config/configuration.ts';

/** How long a phone that we call may ring. */
const RING_TIMEOUT_MS = 85_000;

/** One media worker a core but one, which is for signalling and HTTP; rendering takes what is left. */
export function workerCounts(
  configuration: Pick<Configuration, 'media-workers' | 'render-workers'>,
  cores: number,
): { readonly media: number; readonly render: number } {
  return {
    media: configuration['media-workers'] ?? Math.max(1, cores - 1),
    render: configuration['render-workers'] ?? Math.max(1, Math.floor(cores / 2)),
  };
}

/** What the calls want to know of the configuration, and what only a start can tell them. */
export function callSettings(
  configuration: Configuration,
  {
    publicUrl,
    ...started
  }: Pick<CallSettings, 'dataDirectory' | 'contentBaseUrl' | 'simulatedPhone' | 'sipAddress'> & {
    readonly publicUrl: () => string;
  },
): CallSettings {
  return {
    ...started,
    resourceId: configuration['resource-id'],
    routes: configuration.routes.map((route) => ({
      ...route,
      record: route.record && {
        channelType: route.record.channel,
        formatType: route.record.format,
        retentionMs: untilDeleted(route.record.retention),
        allowApiPause: route.record.allowApiPause,
      },
    })),
    users: configuration.users,
    bots: configuration.applications.map(withoutCredentials),
    trunks: configuration.trunks,
    answerTimeoutMs: configuration['answer-timeout'],
    ringTimeoutMs: RING_TIMEOUT_MS,
    retentionMs: untilDeleted(configuration.retention),
    unmixedChannels: configuration['unmixed-channels'],
    overflow: configuration['extra-participants'],
    played: configuration['prompt-channel'] === 'on' ? 'own-channel' : 'leave-out',
    chunkDurationMs: configuration['chunk-duration'],
    chunkSizeBytes: configuration['chunk-bytes'],
    repeatedPause: configuration['repeated-pause'],
    stateAfterEnd: configuration['state-after-end'],
    keepJournalMs: journalsKept(configuration['keep-journals']),
    responses: {
      graceMs: configuration['response-grace'],
      isKept: configuration['keep-responses'] === 'on',
      container: configuration['response-format'],
      baseUrl: publicUrl,
    },
    minFreeBytes: configuration['min-free-bytes'],
  };
}

/** The calls know no words: `undefined` = kept until deleted. */
function untilDeleted(retention: number | 'until-deleted'): number | undefined {
  return retention === 'until-deleted' ? undefined : retention;
}

function journalsKept(keep: number | 'retention'): number | undefined {
  return keep === 'retention' ? undefined : keep;
}

/** The address to bind, by family. */
export function byFamily(hosts: readonly string[]): {
  readonly IPv4?: string;
  readonly IPv6?: string;
} {
  const IPv4 = hosts.find((host) => !host.includes(':'));
  const IPv6 = hosts.find((host) => host.includes(':'));
  return { ...(IPv4 === undefined ? {} : { IPv4 }), ...(IPv6 === undefined ? {} : { IPv6 }) };
}

/** What Event Grid events name as their topic: the resource, as the vendor would write it. */
export function topicOf(resourceId: string): string {
  return (
    '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local' +
    `/providers/microsoft.communication/communicationservices/${resourceId}`
  );
}
