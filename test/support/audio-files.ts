import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sine } from '../../src/media/tone/sine.ts';
import { wavHeader } from '../../src/media/wav/wav-header.ts';

/** As the vendor documents it. */
const RATE_HZ = 16_000;
/** −6 dB below full scale. */
const AMPLITUDE = 16_384;

/** A web server with audio files for applications: `/tone-900.wav` is a second of 900 Hz, others are not there. */
export class AudioFiles {
  readonly #server: Server;
  readonly #url: string;

  private constructor(server: Server) {
    this.#server = server;
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  static async open(): Promise<AudioFiles> {
    const server = createServer(({ url = '' }, response) => {
      const frequencyHz = /^\/tone-(\d+)\.wav$/.exec(url)?.[1];
      if (frequencyHz !== undefined) {
        response.writeHead(200, { 'content-type': 'audio/wav' }).end(tone(Number(frequencyHz)));
      } else if (url === '/text.wav') {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('no sound at all');
      } else {
        response.writeHead(404).end();
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AudioFiles(server);
  }

  /** As the SDK takes it. */
  source(name: string): { readonly kind: 'fileSource'; readonly url: string } {
    return { kind: 'fileSource', url: this.#url + name };
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function tone(frequencyHz: number): Buffer {
  const samples = sine({ frequencyHz, amplitude: AMPLITUDE }, RATE_HZ, RATE_HZ);
  const header = wavHeader({ sampleRateHz: RATE_HZ, channels: 1 }, samples.byteLength);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}
