import { Type, type Static } from 'typebox';
import type { MediaStreamingOptions } from '../../core/ports/call-control.ts';
import { type CallbackUris, MAX_URI_CHARACTERS, oneOf } from './fields.ts';

const Word = Type.String({ maxLength: 32 });

/** MediaStreamingOptions of a request that takes a call. */
export const MediaStreamingSchema: Type.TObject<{
  transportUrl: Type.TString;
  transportType: Type.TOptional<Type.TString>;
  contentType: Type.TOptional<Type.TString>;
  audioChannelType: Type.TString;
  startMediaStreaming: Type.TOptional<Type.TBoolean>;
  enableBidirectional: Type.TOptional<Type.TBoolean>;
  audioFormat: Type.TOptional<Type.TString>;
  enableDtmfTones: Type.TOptional<Type.TBoolean>;
}> = Type.Object({
  transportUrl: Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS }),
  transportType: Type.Optional(Word),
  contentType: Type.Optional(Word),
  audioChannelType: Word,
  startMediaStreaming: Type.Optional(Type.Boolean()),
  enableBidirectional: Type.Optional(Type.Boolean()),
  audioFormat: Type.Optional(Word),
  enableDtmfTones: Type.Optional(Type.Boolean()),
});

/** The options of a request, as a part of its command. */
export function mediaStreamingOf(
  { mediaStreamingOptions: given }: { mediaStreamingOptions?: Static<typeof MediaStreamingSchema> },
  callbackUris: CallbackUris,
): { readonly mediaStreaming?: MediaStreamingOptions } {
  if (given === undefined) return {};
  const field = 'mediaStreamingOptions';
  oneOf(['websocket'] as const, given.transportType ?? 'websocket', `${field}.transportType`);
  oneOf(['audio'] as const, given.contentType ?? 'audio', `${field}.contentType`);
  return {
    mediaStreaming: {
      transportUrl: callbackUris.checkSocket(given.transportUrl, `${field}.transportUrl`),
      channelType: oneOf(
        ['mixed', 'unmixed'] as const,
        given.audioChannelType,
        `${field}.audioChannelType`,
      ),
      startMediaStreaming: given.startMediaStreaming ?? false,
      enableBidirectional: given.enableBidirectional ?? false,
      audioFormat: oneOf(
        ['pcm16KMono', 'pcm24KMono'] as const,
        given.audioFormat ?? 'pcm16KMono',
        `${field}.audioFormat`,
      ),
      enableDtmfTones: given.enableDtmfTones ?? false,
    },
  };
}
