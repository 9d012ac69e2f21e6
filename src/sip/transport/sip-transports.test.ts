import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../telemetry/system-clock.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { SipEndpoint, type SipEndpointOptions } from '../endpoint.ts';
import { NodeDatagramNetwork } from '../node-datagram-network.ts';
import { NodeStreamNetwork } from '../node-stream-network.ts';

const OPTIONS_REQUEST = [
  'OPTIONS sip:a@127.0.0.1 SIP/2.0',
  'Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-1',
  'From: <sip:b@c>;tag=1',
  'To: <sip:a@127.0.0.1>',
  'Call-ID: x',
  'CSeq: 1 OPTIONS',
  'Max-Forwards: 70',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

const open: SipEndpoint[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const endpoint of open.splice(0)) await endpoint.close();
});

async function openEndpoint(options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  const endpoint = await SipEndpoint.open(
    { hosts: ['127.0.0.1'], port: 0, ...options },
    {
      clock: systemClock,
      random: systemRandom,
      datagrams: new NodeDatagramNetwork(systemClock),
      streams: new NodeStreamNetwork(),
    },
  );
  open.push(endpoint);
  return endpoint;
}

type Client = { readonly socket: Socket; text: () => string; readonly closed: Promise<void> };

function dial(endpoint: SipEndpoint): Client {
  const socket = connect(endpoint.addresses[0]?.port ?? 0, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (data) => (text += data.toString('utf8')));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  return { socket, text: () => text, closed };
}

test('UDP and TCP share one picked port, in both families', async () => {
  const endpoint = await openEndpoint({ hosts: ['127.0.0.1', '::1'] });
  const [v4, v6] = endpoint.addresses;
  expect(v4?.port).toBeGreaterThan(0);
  expect(v6).toEqual({ address: '::1', port: v4?.port });
  const client = dial(endpoint);
  client.socket.write(OPTIONS_REQUEST);
  await expect.poll(client.text).toContain('SIP/2.0 200 OK');
});

test('a port that is taken is refused in one line that names it', async () => {
  const first = await openEndpoint();
  const port = first.addresses[0]?.port ?? 0;
  await expect(openEndpoint({ port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: `UDP 127.0.0.1:${port} is in use by another program`,
  });
});

test('an address that the machine does not have is refused in one line that names it', async () => {
  await expect(openEndpoint({ hosts: ['192.0.2.250'] })).rejects.toMatchObject({
    code: 'option-invalid',
    message: 'UDP 192.0.2.250:0: no interface has this address',
  });
});

test('a keep-alive ping gets its pong, and several messages in one piece get an answer each', async () => {
  const client = dial(await openEndpoint());
  client.socket.write('\r\n\r\n');
  await expect.poll(client.text).toBe('\r\n');
  const second = OPTIONS_REQUEST.replace('bK-1', 'bK-2').replace('Call-ID: x', 'Call-ID: y');
  client.socket.write(OPTIONS_REQUEST + second);
  await expect.poll(() => client.text().split('SIP/2.0 200').length).toBe(3);
});

test('a stream that is no SIP is closed', async () => {
  const client = dial(await openEndpoint());
  client.socket.write('x'.repeat(40_000));
  await client.closed;
});

test('idle connections are capped, reaped, and make room for one that speaks', async () => {
  const endpoint = await openEndpoint({
    limits: { maxConnections: 20, maxConnectionsPerAddress: 10, silentConnectionMs: 1 },
  });
  const idle = Array.from({ length: 50 }, () => dial(endpoint));
  await expect.poll(() => endpoint.counts.connections).toBe(10);
  const speaking = dial(endpoint);
  speaking.socket.write(OPTIONS_REQUEST);
  await expect.poll(speaking.text).toContain('SIP/2.0 200 OK');
  expect(endpoint.counts.connections).toBeLessThanOrEqual(10);
  await expect.poll(() => endpoint.counts.connections, { timeout: 9_000 }).toBe(1);
  await Promise.all(idle.map((client) => client.closed));
}, 12_000);
