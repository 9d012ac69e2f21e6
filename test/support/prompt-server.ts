import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Mp3Encoder } from '../../src/media/mp3/mp3-encoder.ts';
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

/** An application's prompts: a tone of any frequency and length each, as the vendor wants its WAVs, or as MP3. */
export class PromptServer {
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param host its address. Default 127.0.0.1. */
  static async open(host: string = '127.0.0.1'): Promise<PromptServer> {
    const server = createServer();
    const prompts = new PromptServer(server);
    server.on('request', ({ url = '/' }, response) => {
      prompts.asked.push(url);
      const [, hz, ms, format] = /^\/(\d+)-(\d+)\.(wav|mp3)$/.exec(url) ?? [];
      const to = new URL(url, 'http://none').searchParams.get('to');
      if (to !== null) response.writeHead(302, { location: to }).end();
      else if (url === '/noise.wav') response.end('this is no sound at all');
      else if (hz === undefined) response.writeHead(404).end();
      else {
        const samples = tone(Number(hz), Number(ms));
        if (format === 'wav') response.end(wavOf(samples));
        else void mp3Of(samples).then((bytes) => response.end(bytes));
      }
    });
    server.listen(0, host);
    await once(server, 'listening');
    return prompts;
  }

  /** A tone at −6 dB. */
  tone(frequencyHz: number, ms: number): FileSource {
    return this.#source(`${frequencyHz}-${ms}.wav`);
  }

  /** The same as MP3. */
  toneAsMp3(frequencyHz: number, ms: number): FileSource {
    return this.#source(`${frequencyHz}-${ms}.mp3`);
  }

  /** Nothing is there. */
  missing(): FileSource {
    return this.#source('missing.wav');
  }

  /** There is something, and it is no sound. */
  noSound(): FileSource {
    return this.#source('noise.wav');
  }

  /** It is elsewhere. */
  leadingTo(url: string): FileSource {
    return this.#source(`elsewhere.wav?to=${encodeURIComponent(url)}`);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #source(name: string): FileSource {
    const { address, port } = this.#server.address() as AddressInfo;
    return { kind: 'fileSource', url: `http://${address}:${port}/${name}` };
  }
}

function tone(frequencyHz: number, ms: number): Int16Array {
  return sine({ frequencyHz, amplitude: AMPLITUDE }, RATE_HZ, (ms * RATE_HZ) / 1000);
}

function wavOf(samples: Int16Array): Buffer {
  const header = wavHeader({ sampleRateHz: RATE_HZ, channels: 1 }, samples.byteLength);
  return Buffer.concat([
    header,
    Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength),
  ]);
}

async function mp3Of(samples: Int16Array): Promise<Buffer> {
  const encoder = await Mp3Encoder.create();
  const body = [encoder.encode(samples, 0, samples.length).slice(), encoder.finish().slice()];
  return Buffer.concat([encoder.header(), ...body]);
}
