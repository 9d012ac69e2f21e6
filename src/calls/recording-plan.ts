import type { RecordingShape, StartRecording } from '../core/ports/call-service.ts';
import type { ChannelPlan, RenderPlan } from '../core/ports/render.ts';
import type { CallSettings } from './context.ts';

/** What decides how a recording is made, of a start or of a route. */
export type PlanRequest = Pick<RecordingShape, 'channelType' | 'formatType'> &
  Pick<StartRecording, 'channelOrdering' | 'channelAffinity'>;

/** What is made of a recording: what was asked for, within what is configured. */
export function renderPlan(
  request: PlanRequest,
  settings: Pick<
    CallSettings,
    'unmixedChannels' | 'overflow' | 'played' | 'chunkDurationMs' | 'chunkSizeBytes'
  >,
): RenderPlan {
  const limit = settings.unmixedChannels;
  const { overflow, played } = settings;
  return {
    format: { container: request.formatType, channels: request.channelType },
    channels: {
      limit,
      pinned: pinnedChannels(request, limit),
      overflow,
      ...(played !== undefined && { played }),
    },
    chunks: { durationMs: settings.chunkDurationMs, sizeBytes: settings.chunkSizeBytes },
  };
}

/**
 * Affinity first; then the i-th of the ordering gets channel i where that is free and the person has
 * none. Nobody is pinned outside the channels that there are: such a person gets one on speaking.
 */
function pinnedChannels(request: PlanRequest, limit: number): ChannelPlan['pinned'] {
  const channelOf = new Map<string, number>();
  const taken = new Set<number>();
  const pin = (participantId: string, channel: number): void => {
    if (channel < 0 || channel >= limit) return;
    if (taken.has(channel) || channelOf.has(participantId)) return;
    channelOf.set(participantId, channel);
    taken.add(channel);
  };
  for (const { participantId, channel } of request.channelAffinity ?? []) {
    pin(participantId, channel);
  }
  for (const [index, participantId] of (request.channelOrdering ?? []).entries()) {
    pin(participantId, index);
  }
  return [...channelOf].map(([participantId, channel]) => ({ participantId, channel }));
}
