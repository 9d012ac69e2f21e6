import { EventEmitter } from 'node:events';
import type {
  CallConnectionId,
  LegId,
  RecordingId,
  ServerCallId,
  SessionId,
} from '../../core/ids.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import type { AudioFormat, LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { Disk } from '../../core/ports/disk.ts';
import type { Fact, Ledger } from '../../core/ports/ledger.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import type { JournalEnd, MediaEvents, MediaPort } from '../../core/ports/media.ts';
import type { Random } from '../../core/ports/random.ts';
import type { RenderJob, RenderPort, RenderedChunk } from '../../core/ports/render.ts';
import type {
  IncomingInvite,
  OutboundInvite,
  OutgoingInvite,
  SessionEnd,
  SignallingPort,
} from '../../core/ports/signalling.ts';
import type {
  CallRecord,
  ChunkRecord,
  ConnectionRecord,
  LegRecord,
  RecordingRecord,
} from '../../core/records.ts';
import type { CallPorts, CallSettings } from '../context.ts';

/** A network of ports that do what tests tell them, with everything that happened written down. */
export class FakeWorld {
  readonly clock: ManualClock = new ManualClock();
  readonly ledger: MemoryLedger = new MemoryLedger();
  readonly media: FakeMedia = new FakeMedia(this.clock);
  readonly render: FakeRender = new FakeRender();
  readonly signalling: FakeSignalling = new FakeSignalling();
  readonly disk: FakeDisk = new FakeDisk();
  readonly removedBlobs: string[] = [];
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
    render: this.render,
    blobs: {
      open: () => Promise.reject(new Error('not used')),
      read: () => Promise.resolve(undefined),
      remove: (key) => {
        this.removedBlobs.push(key);
        return Promise.resolve();
      },
    },
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
      simulatedPhone: () => undefined,
      answerTimeoutMs: 60_000,
      ringTimeoutMs: 85_000,
      retentionMs: 86_400_000,
      minFreeBytes: 1_000,
      contentBaseUrl: () => 'https://recordings.test',
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

/** Only what calls use; the real ledger has its own suite. */
export class MemoryLedger {
  readonly facts: Fact[] = [];
  failNext = false;

  commit(facts: readonly Fact[]): Promise<void> {
    if (this.failNext) {
      this.failNext = false;
      return Promise.reject(new Error('disk full'));
    }
    this.facts.push(...facts);
    return Promise.resolve();
  }

  call(id: ServerCallId): Promise<CallRecord | undefined> {
    return Promise.resolve(this.#last('call', (record) => record.serverCallId === id));
  }

  connection(id: CallConnectionId): Promise<ConnectionRecord | undefined> {
    return Promise.resolve(this.#last('connection', (record) => record.callConnectionId === id));
  }

  recording(id: RecordingId): Promise<RecordingRecord | undefined> {
    return Promise.resolve(this.#last('recording', (record) => record.recordingId === id));
  }

  chunk(id: string): Promise<ChunkRecord | undefined> {
    return Promise.resolve(this.#last('chunk', (record) => record.documentId === id));
  }

  expiredChunks(nowMs: number): Promise<readonly ChunkRecord[]> {
    const latest = new Map<string, ChunkRecord>();
    for (const fact of this.facts) {
      if (fact.kind === 'chunk') latest.set(fact.record.documentId, fact.record);
    }
    return Promise.resolve(
      [...latest.values()].filter(
        (chunk) => chunk.deletedAtMs === undefined && (chunk.expiresAtMs ?? Infinity) <= nowMs,
      ),
    );
  }

  journalDirectories(): Promise<readonly string[]> {
    return Promise.resolve(
      this.facts.flatMap((fact) =>
        fact.kind === 'recording' ? [fact.record.journalDirectory] : [],
      ),
    );
  }

  unfinishedRecords: {
    calls: CallRecord[];
    connections: ConnectionRecord[];
    legs: LegRecord[];
    recordings: RecordingRecord[];
  } = { calls: [], connections: [], legs: [], recordings: [] };

  unfinished(): Promise<MemoryLedger['unfinishedRecords']> {
    return Promise.resolve(this.unfinishedRecords);
  }

  /** Types of the events in order, without prefix, optionally of one kind only. */
  events(kind?: 'callback' | 'grid'): readonly string[] {
    return this.facts.flatMap((fact) =>
      fact.kind === 'event' && (kind === undefined || fact.event.kind === kind)
        ? [fact.event.type.replace('Microsoft.Communication.', '')]
        : [],
    );
  }

  /** Data of the events of one type, in order. */
  eventData(name: string): readonly Readonly<Record<string, unknown>>[] {
    return this.facts.flatMap((fact) =>
      fact.kind === 'event' && fact.event.type === `Microsoft.Communication.${name}`
        ? [JSON.parse(fact.event.data) as Record<string, unknown>]
        : [],
    );
  }

  #last<K extends keyof Rows>(kind: K, matches: (record: Rows[K]) => boolean): Rows[K] | undefined {
    return this.facts
      .flatMap((fact) => (fact.kind === kind ? [fact.record as Rows[K]] : []))
      .findLast(matches);
  }
}

type Rows = {
  readonly call: CallRecord;
  readonly connection: ConnectionRecord;
  readonly recording: RecordingRecord;
  readonly chunk: ChunkRecord;
};

/** Journals and legs that are open, and the order in which things were asked for. */
export class FakeMedia implements MediaPort {
  readonly log: string[] = [];
  readonly legs: Map<LegId, RemoteMedia | undefined> = new Map();
  readonly journals: Set<RecordingId> = new Set();
  readonly #clock: ManualClock;
  readonly #events = new EventEmitter<MediaEvents>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  openLeg: MediaPort['openLeg'] = (request) => {
    this.legs.set(request.legId, undefined);
    this.log.push(`leg ${request.participantId}`);
    const rtp = { address: '127.0.0.1', port: 20_000 + this.legs.size * 2 };
    return Promise.resolve({ rtp, rtcp: { ...rtp, port: rtp.port + 1 } });
  };

  setLegMedia: MediaPort['setLegMedia'] = (legId, remote) => {
    this.legs.set(legId, remote);
    return Promise.resolve();
  };

  closeLeg: MediaPort['closeLeg'] = (legId) => {
    this.legs.delete(legId);
    return Promise.resolve();
  };

  openJournal: MediaPort['openJournal'] = (request) => {
    this.journals.add(request.recordingId);
    this.log.push('journal opened');
    return Promise.resolve({ startedAtMs: this.#clock.nowMs() });
  };

  endJournal: MediaPort['endJournal'] = (recordingId, reason) => {
    this.journals.delete(recordingId);
    this.log.push(`journal ended ${reason}`);
    return Promise.resolve({ endedAtMs: this.#clock.nowMs(), durationMs: 1_000 });
  };

  closeCall: MediaPort['closeCall'] = () => {
    this.log.push('call closed');
    this.legs.clear();
    return Promise.resolve();
  };

  on: MediaPort['on'] = (event, listener) => {
    this.#events.on(event, listener as never);
  };

  fail(recordingId: RecordingId, end: JournalEnd): void {
    this.emit('journalFailed', recordingId, end, 'ENOSPC');
  }

  emit<K extends keyof MediaEvents>(event: K, ...args: MediaEvents[K]): void {
    this.#events.emit(event, ...(args as never));
  }
}

/** Renders at once, one chunk a recording, unless told to fail. */
export class FakeRender implements RenderPort {
  readonly followed: RenderJob[] = [];
  readonly finished: RenderJob[] = [];
  failures = 0;
  durationMs = 1_000;

  follow(job: RenderJob): Promise<void> {
    this.followed.push(job);
    return Promise.resolve();
  }

  finish(job: RenderJob): Promise<readonly RenderedChunk[]> {
    this.finished.push(job);
    if (this.failures > 0) {
      this.failures -= 1;
      return Promise.reject(new Error('render failed'));
    }
    if (this.durationMs === 0) return Promise.resolve([]);
    return Promise.resolve([
      {
        documentId: job.documentId,
        blobKey: job.blobKey,
        index: 0,
        sizeBytes: 44 + this.durationMs * 32,
        durationMs: this.durationMs,
        startedAtMs: 0,
        sampleRateHz: 16_000,
        bitRate: 256_000,
        channels: 1,
        participants: [],
        pauses: [],
        sha256: '00',
        latePackets: 0,
        tornBytes: 0,
      },
    ]);
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }
}

export class FakeDisk {
  freeByteCount = 1_000_000_000;
  readonly removed: string[] = [];
  readonly directories: Map<string, readonly string[]> = new Map();

  freeBytes(): Promise<number> {
    return Promise.resolve(this.freeByteCount);
  }

  /** As if the reserve were there already. */
  sizeBytes(): Promise<number | undefined> {
    return Promise.resolve(32 * 1024 * 1024);
  }

  list(path: string): Promise<readonly string[]> {
    return Promise.resolve(this.directories.get(path) ?? []);
  }

  remove(path: string): Promise<void> {
    this.removed.push(path);
    return Promise.resolve();
  }
}

export const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
export const PCMA: AudioFormat = { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 };

export function remoteMedia(format: AudioFormat = PCMU): RemoteMedia {
  return {
    rtp: { address: '127.0.0.1', port: 4000 },
    rtcp: { address: '127.0.0.1', port: 4001 },
    format,
    auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
    direction: 'sendrecv',
    packetTimeMs: 20,
    alternativeSources: [],
  };
}

/** A phone that calls us. */
export class FakeIncoming implements IncomingInvite {
  readonly sessionId: SessionId = 'incoming' as SessionId;
  readonly callId = 'call-id';
  readonly from: IncomingInvite['from'];
  readonly to: IncomingInvite['to'];
  readonly sourceAddress = '127.0.0.1';
  readonly sipHeaders: Readonly<Record<string, string>> = { 'X-Order': '4719' };
  authenticatedUser: string | undefined;
  trunk: string | undefined;
  offeredFormats: readonly AudioFormat[] | undefined = [PCMU, PCMA];
  onEnd: (end: SessionEnd) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  readonly rings: Readonly<Record<string, string>>[] = [];
  accepted: LocalMedia | undefined;
  ended: { readonly status: number; readonly reason: string } | undefined;

  constructor(from: string, to: string) {
    this.from = { user: from, host: 'phone.test', displayName: '' };
    this.to = { user: to, host: 'tapedeck.test', displayName: '' };
  }

  stored(): Readonly<Record<string, unknown>> {
    return { callId: this.callId };
  }

  ring(headers: Readonly<Record<string, string>> = {}): void {
    this.rings.push(headers);
  }

  accept(media: LocalMedia): Promise<RemoteMedia> {
    this.accepted = media;
    return Promise.resolve(remoteMedia(media.formats[0]));
  }

  end(end: { readonly status: number; readonly reason: string }): Promise<void> {
    if (this.ended === undefined) {
      this.ended = end;
      this.onEnd({ ...end, by: 'local' });
    }
    return Promise.resolve();
  }

  hangUp(): void {
    this.onEnd({ status: 200, reason: 'OK', by: 'remote' });
  }
}

/** A phone that we call. */
export class FakeOutgoing implements OutgoingInvite {
  readonly sessionId: SessionId = 'outgoing' as SessionId;
  readonly request: OutboundInvite;
  onProgress: (status: number) => void = () => undefined;
  onAccept: (remote: RemoteMedia) => void = () => undefined;
  onEnd: (end: SessionEnd) => void = () => undefined;
  onMediaChange: (remote: RemoteMedia) => void = () => undefined;
  ended: { readonly status: number; readonly reason: string } | undefined;

  constructor(request: OutboundInvite) {
    this.request = request;
  }

  stored(): Readonly<Record<string, unknown>> {
    return { uri: this.request.uri };
  }

  accept(format?: AudioFormat): void {
    this.onAccept(remoteMedia(format ?? this.request.media.formats[0]));
  }

  refuse(status: number, reason: string): void {
    this.onEnd({ status, reason, by: 'remote' });
  }

  end(end: { readonly status: number; readonly reason: string }): Promise<void> {
    if (this.ended === undefined) {
      this.ended = end;
      this.onEnd({ ...end, by: 'local' });
    }
    return Promise.resolve();
  }
}

export class FakeSignalling implements SignallingPort {
  readonly placed: FakeOutgoing[] = [];
  readonly endedStored: Readonly<Record<string, unknown>>[] = [];
  readonly contacts: Map<string, readonly string[]> = new Map();
  onInvite: (invite: IncomingInvite) => void = () => undefined;

  invite(request: OutboundInvite): OutgoingInvite {
    const outgoing = new FakeOutgoing(request);
    this.placed.push(outgoing);
    return outgoing;
  }

  contactsOf(user: string): readonly string[] {
    return this.contacts.get(user) ?? [];
  }

  endStored(dialog: Readonly<Record<string, unknown>>): Promise<void> {
    this.endedStored.push(dialog);
    return Promise.resolve();
  }
}
