import { readWav } from '../../src/media/wav/wav-reader.ts';
import {
  fetchContent,
  liveCalls,
  type Announcement,
  type LiveCall,
} from '../support/acs-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { firstRun, type NumberedRun } from '../support/load/numbered-audio.ts';
import { loadConfiguration, LoadGenerator } from '../support/load/load-generator.ts';
import { ServerProcess, type ServerOptions } from '../support/server-process.ts';

/** A server that records every call by route, the phones that call through it, and its events. */
export class RecordedCalls {
  events: EventReceiver;
  readonly phones: LoadGenerator;
  server: ServerProcess;
  readonly #options: ServerOptions;

  private constructor(
    events: EventReceiver,
    server: ServerProcess,
    phones: LoadGenerator,
    options: ServerOptions,
  ) {
    this.events = events;
    this.server = server;
    this.phones = phones;
    this.#options = options;
  }

  static async open(given: ServerOptions = {}): Promise<RecordedCalls> {
    const events = await EventReceiver.open();
    const sipPort = await freePort();
    // Kept over restarts, and so not of those that the system gives to whoever asks for any.
    const ports = {
      http: await freePort(),
      https: await freePort(),
      sip: await freePort(),
      management: await freePort(),
    };
    const options = {
      ...given,
      ports,
      flags: ['--event-webhook', `${events.url}grid`, ...(given.flags ?? [])],
      file: loadConfiguration(sipPort, true),
    };
    const server = await ServerProcess.start(options);
    const phones = await LoadGenerator.open({
      serverUri: server.ready.sip,
      sipPort,
      kind: 'numbers',
    });
    await phones.start();
    return new RecordedCalls(events, server, phones, options);
  }

  /** Places calls `from` to `to` − 1, whose caller says the number of each packet. */
  async place(from: number, to: number): Promise<readonly LiveCall[]> {
    await this.phones.place(from, to);
    return liveCalls(this.server);
  }

  /** The receiver that was closed is there again. */
  async reopenReceiver(): Promise<void> {
    this.events = await EventReceiver.open(Number(new URL(this.events.url).port));
  }

  /** Starts the server again, where the one that has gone was. Needs a data directory of the test's. */
  async restart(): Promise<void> {
    this.server = await ServerProcess.start(this.#options);
  }

  /** Which packets are in the file, from the first one to the one before the first hole. */
  async packetsIn(announcement: Announcement): Promise<NumberedRun & { readonly samples: number }> {
    const { bytes } = await fetchContent(this.server, announcement.documentId, 'content/video');
    const wav = readWav(bytes);
    if (!wav.ok) throw new Error(wav.defect);
    const { samples } = wav.value;
    const run = firstRun(samples, 0xffff);
    if (run === undefined) throw new Error('no packet is in the file');
    return { ...run, samples: samples.length };
  }

  /** RTP packets that the server has sent to phones since its start. */
  async packetsSent(): Promise<number> {
    const response = await fetch(new URL('/metrics', this.server.ready.management));
    const text = await response.text();
    return Number(/^tapedeck_media_packets\{direction="out"\} (\d+)$/m.exec(text)?.[1]);
  }

  async close(): Promise<number | null> {
    await this.phones.close();
    const code = await this.server.stop();
    this.events.close();
    return code;
  }
}
