import type { CallConnectionId, RecordingId, ServerCallId } from '../../core/ids.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import type { BlobStore } from '../../core/ports/blob-store.ts';
import type { Disk } from '../../core/ports/disk.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import type { Random } from '../../core/ports/random.ts';
import type { CallPorts, CallSettings } from '../context.ts';
import { FakeAudioSockets } from './fake-audio-sockets.ts';
import { FakeBlobs } from './fake-blobs.ts';
import { FakeCallMedia } from './fake-call-media.ts';
import { FakeContainers } from './fake-containers.ts';
import { FakeDisk } from './fake-disk.ts';
import { FakeMedia } from './fake-media.ts';
import { FakePrompts } from './fake-prompts.ts';
import { FakeRender } from './fake-render.ts';
import { FakeSignalling } from './fake-signalling.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { Pace } from './pace.ts';

/** A network of ports that do what tests tell them, with everything that happened written down. */
export class FakeWorld {
  readonly clock: ManualClock = new ManualClock();
  readonly pace: Pace = new Pace();
  readonly ledger: MemoryLedger = new MemoryLedger(this.pace);
  readonly media: FakeMedia = new FakeMedia(this.clock, this.pace);
  readonly callMedia: FakeCallMedia = new FakeCallMedia(this.media, this.pace);
  readonly prompts: FakePrompts = new FakePrompts(this.pace);
  readonly audioSockets: FakeAudioSockets = new FakeAudioSockets();
  readonly blobs: FakeBlobs = new FakeBlobs(this.pace);
  readonly render: FakeRender = new FakeRender(this.blobs.blobs, this.pace);
  readonly signalling: FakeSignalling = new FakeSignalling();
  readonly disk: FakeDisk = new FakeDisk();
  readonly containers: FakeContainers = new FakeContainers(this.pace);
  #counter = 0;

  readonly ports: CallPorts = {
    clock: this.clock,
    random: this.#random(),
    log: SILENT_LOGGER,
    ids: {
      serverCallId: () => `call-${this.#next()}` as ServerCallId,
      callConnectionId: () => `connection-${this.#next()}` as CallConnectionId,
      recordingId: () => `recording-${this.#next()}` as RecordingId,
      ownerOf: () => 'node',
    },
    ledger: this.ledger as unknown as Ledger,
    media: this.media,
    callMedia: this.callMedia,
    prompts: this.prompts,
    audioSockets: this.audioSockets,
    signer: {
      authorization: (_audience, seconds) => Promise.resolve(`Bearer for ${seconds ?? 300} s`),
    },
    render: this.render,
    blobs: this.blobs as unknown as BlobStore,
    responseTokens: {
      tokenOf: (documentId) => `token of ${documentId}`,
      isTokenOf: (documentId, token) => token === `token of ${documentId}`,
    },
    containers: this.containers,
    disk: this.disk as unknown as Disk,
    signalling: this.signalling,
    subscribersOf: () => [],
    wakeDelivery: () => undefined,
  };

  settings(overrides: Partial<CallSettings> = {}): CallSettings {
    return {
      resourceId: 'resource',
      dataDirectory: '/data',
      routes: [],
      users: [],
      trunks: [],
      sipAddress: () => 'tapedeck.test:5060',
      simulatedPhone: () => undefined,
      answerTimeoutMs: 60_000,
      ringTimeoutMs: 85_000,
      retentionMs: 86_400_000,
      minFreeBytes: 1_000,
      unmixedChannels: 5,
      overflow: 'leave-out',
      chunkDurationMs: 14_400_000,
      chunkSizeBytes: 4_194_304_000,
      repeatedPause: 'accept',
      stateAfterEnd: 'inactive',
      keepJournalMs: undefined,
      contentBaseUrl: () => 'https://recordings.test',
      responses: {
        graceMs: 300_000,
        isKept: false,
        container: 'wav',
        baseUrl: () => 'https://tapedeck.test',
      },
      ...overrides,
    };
  }

  #next(): number {
    this.#counter += 1;
    return this.#counter;
  }

  #random(): Random {
    return {
      bytes: (length) => new Uint8Array(length),
      hex: (byteLength) =>
        this.#next()
          .toString(16)
          .padStart(byteLength * 2, '0'),
      uuid: () => `uuid-${this.#next()}`,
      fraction: () => 0.5,
    };
  }
}

/** Lets everything that is promised happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
}
