import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Neither the system gives these away, nor do servers take them for RTP. */
const FROM = 11_000;
const COUNT = 4_000;
const HOST = '127.0.0.1';

/** A port that was free a moment ago, UDP and TCP, for a peer that the server is told of before it starts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const stream = createServer();
  const datagram = createSocket('udp4');
  try {
    stream.listen(port, HOST);
    await once(stream, 'listening');
    datagram.bind(port, HOST);
    await once(datagram, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    if (stream.listening) stream.close();
    datagram.close();
  }
}
