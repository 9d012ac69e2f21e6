import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { RtpHeaderReader } from '../../../src/protocols/rtp/header.ts';
import type { HeardPacket } from './media-line.ts';

const HOST = '127.0.0.1';

/**
 * A border element between a phone and its server, through which the media of the phone's call goes: what each of
 * the two sends is kept with the time at which it came, on one clock. SIP over UDP, one call, RTP without RTCP.
 */
export class MediaTap {
  /** Where the phone sends its requests to. */
  readonly sipPort: number;
  readonly toPhone: readonly HeardPacket[];
  readonly fromPhone: readonly HeardPacket[];
  readonly #sockets: readonly Socket[];

  private constructor(
    sockets: readonly Socket[],
    sipPort: number,
    packets: Pick<MediaTap, 'toPhone' | 'fromPhone'>,
  ) {
    this.#sockets = sockets;
    this.sipPort = sipPort;
    this.toPhone = packets.toPhone;
    this.fromPhone = packets.fromPhone;
  }

  /** @param phonePort @param serverPort where they take SIP. */
  static async open(phonePort: number, serverPort: number): Promise<MediaTap> {
    const sip = await bound();
    // Each of the two has a socket before it, from which it gets what the other one sends.
    const [phone, server] = [await bound(), await bound()];
    const rtp = { phone: 0, server: 0 };
    const packets = { toPhone: [] as HeardPacket[], fromPhone: [] as HeardPacket[] };
    sip.on('message', (data, { port }) => {
      const isFromPhone = port === phonePort;
      const message = data.toString('latin1');
      const mediaPort = mediaPortOf(message);
      if (mediaPort !== undefined) rtp[isFromPhone ? 'phone' : 'server'] = mediaPort;
      const passed = withMediaPort(message, (isFromPhone ? server : phone).address().port);
      sip.send(Buffer.from(passed, 'latin1'), isFromPhone ? serverPort : phonePort, HOST);
    });
    phone.on('message', (datagram) => {
      keep(packets.fromPhone, datagram);
      if (rtp.server > 0) server.send(datagram, rtp.server, HOST);
    });
    server.on('message', (datagram) => {
      keep(packets.toPhone, datagram);
      if (rtp.phone > 0) phone.send(datagram, rtp.phone, HOST);
    });
    return new MediaTap([sip, phone, server], sip.address().port, packets);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

function keep(packets: HeardPacket[], datagram: Uint8Array): void {
  const atMs = performance.now();
  const reader = new RtpHeaderReader();
  if (!reader.read(datagram)) return;
  const { payloadType, timestamp, payloadOffset, payloadBytes } = reader;
  const payload = Uint8Array.from(datagram.subarray(payloadOffset, payloadOffset + payloadBytes));
  packets.push({ payloadType, timestamp, payload, atMs });
}

function mediaPortOf(message: string): number | undefined {
  const [, port] = /^m=audio (\d+) /m.exec(message) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** The description of a message names this port of ours; phones like to name another address of the machine. */
function withMediaPort(message: string, port: number): string {
  const passed = message
    .replace(/^c=IN IP4 .*\r$/gm, `c=IN IP4 ${HOST}\r`)
    .replace(/^m=audio \d+ /m, `m=audio ${port} `);
  const added = passed.length - message.length;
  return passed.replace(/^(Content-Length: *)(\d+)/im, (_, name: string, length: string) => {
    return `${name}${Number(length) + added}`;
  });
}
