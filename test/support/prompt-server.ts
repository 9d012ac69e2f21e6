import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sine } from '../../src/media/tone/sine.ts';
import { wavHeader } from '../../src/media/wav/wav-header.ts';

const RATE_HZ = 16_000;
/** −6 dB below full scale. */
const AMPLITUDE = 16_384;

/** What a prompt is asked for by, as the SDK wants it. */
export type FileSource = {
  readonly kind: 'fileSource';
  readonly url: string;
  readonly playSourceCacheId?: string;
};

/** An application's prompts: a tone of any frequency and length each, as the vendor wants its WAVs. */
export class PromptServer {
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<PromptServer> {
    const server = createServer();
    const prompts = new PromptServer(server);
    server.on('request', ({ url = '/' }, response) => {
      prompts.asked.push(url);
      const [, hz, ms] = /^\/(\d+)-(\d+)\.wav$/.exec(url) ?? [];
      if (url === '/noise.wav') response.end('this is no sound at all');
      else if (hz === undefined) response.writeHead(404).end();
      else response.end(toneWav(Number(hz), Number(ms)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return prompts;
  }

  /** A tone at −6 dB. */
  tone(frequencyHz: number, ms: number): FileSource {
    return this.#source(`${frequencyHz}-${ms}.wav`);
  }

  /** Nothing is there. */
  missing(): FileSource {
    return this.#source('missing.wav');
  }

  /** There is something, and it is no sound. */
  noSound(): FileSource {
    return this.#source('noise.wav');
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #source(name: string): FileSource {
    const { port } = this.#server.address() as AddressInfo;
    return { kind: 'fileSource', url: `http://127.0.0.1:${port}/${name}` };
  }
}

function toneWav(frequencyHz: number, ms: number): Buffer {
  const count = (ms * RATE_HZ) / 1000;
  const samples = sine({ frequencyHz, amplitude: AMPLITUDE }, RATE_HZ, count);
  const header = wavHeader({ sampleRateHz: RATE_HZ, channels: 1 }, samples.byteLength);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}
