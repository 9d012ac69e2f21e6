import type { MediaStreamingOptions } from '../../core/ports/call-control.ts';
import type { MediaStreamingSubscription } from '../../core/ports/call-service.ts';
import type { Random } from '../../core/ports/random.ts';

/** That an application wants the audio of its call, from when it takes the call to its end. */
export type StreamSubscription = {
  readonly id: string;
  readonly options: MediaStreamingOptions;
  state: MediaStreamingSubscription['state'];
};

/** For a connection that is about to be held; nothing when its request does not ask for streams. */
export function subscriptionFor(
  { mediaStreaming }: { readonly mediaStreaming?: MediaStreamingOptions },
  random: Pick<Random, 'uuid'>,
): { readonly mediaStreaming?: StreamSubscription } {
  if (mediaStreaming === undefined) return {};
  return { mediaStreaming: { id: random.uuid(), options: mediaStreaming, state: 'inactive' } };
}
