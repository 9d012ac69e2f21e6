import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import type { EventReceiver } from '../support/event-receiver.ts';
import type { LoadGenerator } from '../support/load/load-generator.ts';
import type { ServerProcess } from '../support/server-process.ts';
import {
  announcementOf,
  deleteContent,
  eventually,
  fetchContent,
  received,
  recordingState,
  type Announcement,
  type Fetched,
} from '../support/acs-client.ts';
import { firstRun } from '../support/load/numbered-audio.ts';
import type { PromisedRecording, Tally } from './promises.ts';
import type { Round } from './round.ts';

const EVENT_MS = 15_000;
const BYE_MS = 5_000;
const WAV_HEADER_BYTES = 44;
const SAMPLES_PER_MS = 16;
/** The first packet that a start promised may lie a little before the file's first sample. */
const START_TOLERANCE_MS = 40;

/** Holds the server that was started after a kill to what the killed one had acknowledged. */
export class Judge {
  readonly #events: EventReceiver;
  readonly #tally: Tally;
  /** Documents that have to be there until the end, with the hash of their bytes. */
  readonly #kept = new Map<string, string>();
  readonly #deleted = new Set<string>();
  readonly #checked = new Set<string>();

  constructor(events: EventReceiver, tally: Tally) {
    this.#events = events;
    this.#tally = tally;
  }

  async judge(round: Round, server: ServerProcess, generator: LoadGenerator): Promise<void> {
    await this.#judgeCalls(round, generator);
    await Promise.all(
      round.promised.map((recording) => this.#judgeRecording(recording, round, server, generator)),
    );
    await this.#judgeEvents(server);
  }

  /** Everything that was announced and not deleted is still there, unchanged. */
  async judgeKept(server: ServerProcess): Promise<void> {
    for (const [documentId, hash] of this.#kept) {
      const content = await fetchContent(server, documentId, 'content/video');
      if (content.status !== 200 || sha256(content.bytes) !== hash) {
        this.#tally.break(`${documentId} changed after it had been announced`);
      }
    }
  }

  /** Phones are told that their calls are over, and so are applications and subscribers. */
  async #judgeCalls(round: Round, generator: LoadGenerator): Promise<void> {
    const allEnded = await eventually(
      async () => ((await generator.legsUp()) === 0 ? true : undefined),
      BYE_MS,
    );
    if (allEnded === undefined) {
      this.#tally.break(`${await generator.legsUp()} phones got no BYE`);
    }
    for (const serverCallId of round.serverCallIds) {
      await this.#expectEvent('CallEnded', (data) => data['serverCallId'] === serverCallId);
    }
    await this.#expectEvent(
      'CallDisconnected',
      (data) => data['serverCallId'] === round.applicationCallId,
    );
  }

  async #judgeRecording(
    recording: PromisedRecording,
    round: Round,
    server: ServerProcess,
    generator: LoadGenerator,
  ): Promise<void> {
    const tally = this.#tally;
    const { recordingId } = recording;
    tally.recordings += 1;
    const state = await recordingState(server, recordingId).catch(String);
    if (state !== 'inactive') tally.break(`${recordingId} is ${state} after the restart`);
    if (recording.origin === 'api') {
      await this.#expectEvent(
        'RecordingStateChanged',
        (data) => data['recordingId'] === recordingId && data['state'] === 'inactive',
      );
    }
    const announcement = await eventually(
      () => this.#announcements().find((one) => one.recordingId === recordingId),
      EVENT_MS,
    );
    if (announcement === undefined) {
      const promise = recording.stopAcknowledged ? 'stopped' : 'started';
      tally.break(`${recordingId} (${recording.origin}, ${promise}) was never announced`);
      return;
    }
    tally.announced += 1;
    if (recording.deleteAskedAtMs !== undefined) {
      if (await this.#judgeDeleted(recording, announcement, server)) tally.recovered += 1;
      return;
    }
    const samples = await this.#read(announcement, server);
    if (samples === undefined) return;
    tally.recovered += 1;
    const sentAtMs = await generator.sentAtMs(recording.call);
    this.#judgeAudio(recording, announcement, samples, sentAtMs, round.killedAtMs);
  }

  /** What was deleted is gone; what was being deleted may be there still, and can be deleted. */
  async #judgeDeleted(
    recording: PromisedRecording,
    { documentId }: Announcement,
    server: ServerProcess,
  ): Promise<boolean> {
    const before = this.#tally.broken.length;
    this.#deleted.add(documentId);
    if (!recording.deleteAcknowledged) {
      const status = await deleteContent(server, documentId);
      if (status !== 200 && status !== 404) {
        this.#tally.break(`deleting ${documentId} once more answered ${status}`);
      }
    }
    for (const what of ['content/video', 'content/acsmetadata'] as const) {
      const { status } = await fetchContent(server, documentId, what);
      if (status !== 404) this.#tally.break(`deleted ${documentId} ${what} answered ${status}`);
    }
    for (const folder of ['blobs/recordings', 'journals']) {
      const names = await readdir(join(server.dataDirectory, folder));
      const left = names.filter((name) => name.includes(documentId));
      if (left.length > 0) this.#tally.break(`deleted ${documentId} left ${left.join(', ')}`);
    }
    return this.#tally.broken.length === before;
  }

  /** The file's samples; `undefined`, and counted, if it is not what its metadata says. */
  async #read(announcement: Announcement, server: ServerProcess): Promise<Int16Array | undefined> {
    const { documentId } = announcement;
    const content = await fetchContent(server, documentId, 'content/video');
    const metadata = await fetchContent(server, documentId, 'content/acsmetadata');
    const wav = readWav(content.bytes);
    const defect = wav.ok ? defectOf(announcement, content, metadata) : wav.defect;
    if (defect !== undefined || !wav.ok) {
      this.#tally.unreadable.push(`${documentId}: ${defect}`);
      return undefined;
    }
    this.#kept.set(documentId, sha256(content.bytes));
    return wav.value.samples;
  }

  #judgeAudio(
    recording: PromisedRecording,
    announcement: Announcement,
    samples: Int16Array,
    sentAtMs: readonly number[],
    killedAtMs: number,
  ): void {
    const untilMs = Math.min(recording.stopAskedAtMs ?? Infinity, killedAtMs);
    const promisedFrom = sentAtMs.findIndex((sent) => sent > recording.startedAtMs);
    const promisedFromMs = sentAtMs[promisedFrom];
    if (promisedFromMs === undefined || promisedFromMs >= untilMs) return;
    const run = firstRun(samples, sentAtMs.length);
    const firstMs = run === undefined ? undefined : sentAtMs[run.firstNumber - 1];
    const lastMs = run === undefined ? undefined : sentAtMs[run.lastNumber - 1];
    const wanted = `${announcement.documentId} (${recording.origin}) from ${promisedFrom + 1} on`;
    if (run === undefined || firstMs === undefined || lastMs === undefined) {
      this.#tally.lost(untilMs - promisedFromMs, `${wanted}, nothing is there`);
      return;
    }
    const found = `${wanted}, there are ${run.firstNumber} to ${run.lastNumber}`;
    if (firstMs > promisedFromMs + START_TOLERANCE_MS) {
      this.#tally.lost(untilMs - promisedFromMs, found);
      return;
    }
    this.#tally.lost(Math.max(0, untilMs - lastMs), found);
    const placeMs = announcement.startedAtMs + run.firstSample / SAMPLES_PER_MS;
    this.#tally.maxPlaceErrorMs = Math.max(
      this.#tally.maxPlaceErrorMs,
      Math.abs(placeMs - firstMs),
    );
  }

  /** Whatever was announced, by whoever's wish, can be read, and was announced one way only. */
  async #judgeEvents(server: ServerProcess): Promise<void> {
    const seen = new Map<string, Announcement>();
    for (const announcement of this.#announcements()) {
      const other = seen.get(announcement.recordingId);
      if (other !== undefined && other.content !== announcement.content) {
        this.#tally.break(`${announcement.recordingId} was announced with different contents`);
      }
      seen.set(announcement.recordingId, announcement);
    }
    for (const { documentId } of seen.values()) {
      if (this.#checked.has(documentId)) continue;
      this.#checked.add(documentId);
      const { status } = await fetchContent(server, documentId, 'content/video');
      if (status !== 200 && !this.#deleted.has(documentId)) {
        this.#tally.break(`announced ${documentId} answers ${status}`);
      }
    }
  }

  #announcements(): readonly Announcement[] {
    return this.#events.received.flatMap((event) => announcementOf(event) ?? []);
  }

  async #expectEvent(
    name: string,
    matches: (data: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<void> {
    const event = await eventually(() => received(this.#events, name, matches), EVENT_MS);
    if (event === undefined) this.#tally.break(`${name} did not come`);
  }
}

/** What contradicts what: event, metadata or bytes. */
function defectOf(
  announcement: Announcement,
  content: Fetched,
  metadata: Fetched,
): string | undefined {
  if (content.status !== 200) return `its content answers ${content.status}`;
  if (metadata.status !== 200) return `its metadata answers ${metadata.status}`;
  const { tapedeck } = JSON.parse(Buffer.from(metadata.bytes).toString()) as {
    tapedeck: { samplesSha256: string; sizeBytes: number };
  };
  const samples = content.bytes.subarray(WAV_HEADER_BYTES);
  if (tapedeck.sizeBytes !== content.bytes.length) return 'its size is another';
  if (tapedeck.samplesSha256 !== sha256(samples))
    return 'its bytes are others than the metadata says';
  const differenceMs = samples.length / 2 / SAMPLES_PER_MS - announcement.durationMs;
  return Math.abs(differenceMs) > 1 ? 'its length is another than the event says' : undefined;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
