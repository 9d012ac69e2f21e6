import type { RenderedChunk } from '../core/ports/render.ts';
import type { ChunkStart } from './chunk-cutter.ts';
import type { FileEncoding } from './chunk-encoder.ts';
import type { ChunkFile } from './chunk-writer.ts';
import { FILE_RATE_HZ } from './file-tracks.ts';
import type { RenderPass } from './render-pass.ts';

/** A chunk that is stored here; whether it is in the caller's container too comes later. */
export type StoredChunk = {
  readonly file: ChunkFile;
  readonly described: Omit<RenderedChunk, 'isExported'>;
};

/** What is told of a chunk. */
export function describeChunk(chunk: {
  readonly file: ChunkFile;
  readonly pass: RenderPass;
  readonly index: number;
  readonly begin: ChunkStart;
  /** Where the next one begins; `undefined` for the last. */
  readonly end: ChunkStart | undefined;
  /** Why it ends if it is not the last. */
  readonly limit: RenderedChunk['ending'];
  readonly channels: number;
  /** Of a participant; `undefined`: of what the server itself played. */
  readonly channelOf: (participantId: string | undefined) => number | undefined;
  readonly encoding: FileEncoding;
  readonly tornBytes: number;
}): Omit<RenderedChunk, 'isExported'> {
  const { file, pass, index, begin, end, channels } = chunk;
  const { timeline, startedAtMs } = pass;
  // The first has what was before its first sample, the others what was behind their last: a pause
  // is told once.
  const fromUs = index === 0 ? -Infinity : begin.startUs;
  const toUs = end?.startUs ?? Infinity;
  const playedChannel = chunk.channelOf(undefined);
  return {
    documentId: file.documentId,
    blobKey: file.blobKey,
    peaksKey: file.peaksKey,
    index,
    ending: end === undefined ? 'session-ended' : chunk.limit,
    sizeBytes: file.sizeBytes,
    durationMs: (file.frames * 1000) / FILE_RATE_HZ,
    startedAtMs: startedAtMs + begin.startUs / 1000,
    sampleRateHz: FILE_RATE_HZ,
    bitRate: chunk.encoding.bitRate(channels),
    channels,
    participants: [
      ...timeline
        .participantsBetween(fromUs, toUs)
        .map((participantId) => withChannel(participantId, chunk.channelOf(participantId))),
      ...(playedChannel === undefined ? [] : timeline.playedBetween(fromUs, toUs)).map(
        (participantId) => withChannel(participantId, playedChannel),
      ),
    ],
    pauses: timeline.pauses
      .filter((pause) => pause.fromUs >= fromUs && pause.fromUs < toUs)
      .map((pause) => ({
        startedAtMs: startedAtMs + pause.fromUs / 1000,
        durationMs: (pause.toUs - pause.fromUs) / 1000,
      })),
    sha256: file.sha256,
    latePackets: (end?.latePackets ?? timeline.latePackets) - (index === 0 ? 0 : begin.latePackets),
    tornBytes: chunk.tornBytes,
  };
}

function withChannel(
  participantId: string,
  channel: number | undefined,
): RenderedChunk['participants'][number] {
  return channel === undefined ? { participantId } : { participantId, channel };
}
