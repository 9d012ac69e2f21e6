import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { SrtpSuite } from '../../../src/core/media-format.ts';

const HOST = '127.0.0.1';

/**
 * A border element before a phone: of the keys that an INVITE offers it lets those of one suite pass, for
 * phones that take the first that they know. SIP over UDP, by the way of its INVITE only; media goes past it.
 */
export class SuiteFilter {
  readonly port: number;
  readonly #socket: Socket;

  private constructor(socket: Socket, phonePort: number, suite: () => SrtpSuite) {
    this.#socket = socket;
    this.port = socket.address().port;
    let serverPort = 0;
    socket.on('message', (data, { port }) => {
      const isFromPhone = port === phonePort;
      if (!isFromPhone) serverPort = port;
      const message = isFromPhone ? data : Buffer.from(filtered(data.toString('latin1'), suite()));
      socket.send(message, isFromPhone ? serverPort : phonePort, HOST);
    });
  }

  /** @param suite asked for at each INVITE. */
  static async open(phonePort: number, suite: () => SrtpSuite): Promise<SuiteFilter> {
    const socket = createSocket('udp4');
    socket.bind(0, HOST);
    await once(socket, 'listening');
    return new SuiteFilter(socket, phonePort, suite);
  }

  close(): void {
    this.#socket.close();
  }
}

function filtered(message: string, suite: SrtpSuite): string {
  const [head = '', body = ''] = message.split('\r\n\r\n');
  const kept = body
    .split('\r\n')
    .filter((line) => !line.startsWith('a=crypto:') || line.includes(` ${suite} `))
    .join('\r\n');
  const length = `Content-Length: ${Buffer.byteLength(kept, 'latin1')}`;
  return `${head.replace(/^Content-Length:.*$/im, length)}\r\n\r\n${kept}`;
}
