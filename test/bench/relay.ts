import { fork, type ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { loadLinuxCalls } from '../../src/bridge/datagram/linux-calls.ts';
import { LinuxDatagramNetwork } from '../../src/bridge/datagram/linux-network.ts';
import type { DatagramSocket } from '../../src/core/ports/datagram.ts';
import { writeRtpHeader } from '../../src/protocols/rtp/header.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import type { HostReply, HostRequest } from './relay-host.ts';

/**
 * What the media worker alone costs: N two-party PCMU calls relayed and journaled, both sides
 * sending all the time, evenly spread over the 20 ms. One JSON line per network and sleep.
 *
 *     node test/bench/relay.ts --calls 100 --secs 10 --networks linux:2,linux:4,linux:8,node
 */

const PACKET_MS = 20;
const WARM_UP_MS = 2_000;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100' },
    secs: { type: 'string', default: '10' },
    networks: { type: 'string', default: 'linux:4,node' },
    journal: { type: 'string', default: 'true' },
    'flush-ms': { type: 'string', default: '100' },
    'sync-ms': { type: 'string', default: '1000' },
    profile: { type: 'string' },
  },
});
const callCount = Number(values.calls);
const windowMs = Number(values.secs) * 1000;

/** Sends every leg's packets in turn and takes what comes back. */
class Generator {
  readonly #sockets: DatagramSocket[] = [];
  readonly #data = new Uint8Array(172).fill(0x55);
  readonly #view = new DataView(this.#data.buffer);
  /** Monotonic µs at which packet n was sent. */
  readonly #sentAtUs: number[] = [];
  readonly #delaysUs: number[] = [];
  #ports: readonly number[] = [];
  #startUs = 0;
  #running = false;
  received = 0;
  lateMs = 0;

  get sent(): number {
    return this.#sentAtUs.length;
  }

  async bind(network: LinuxDatagramNetwork): Promise<number[]> {
    for (let index = 0; index < callCount * 2; index += 1) {
      const receive = (data: Uint8Array, _from: unknown, arrivalUs: number): void => {
        const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
        const sentAtUs = this.#sentAtUs[view.getUint32(12)];
        if (sentAtUs === undefined) return;
        this.received += 1;
        this.#delaysUs.push(arrivalUs - sentAtUs);
      };
      this.#sockets.push(await network.bind({ host: '127.0.0.1', port: 0, receive }));
    }
    return this.#sockets.map(({ local }) => local.port);
  }

  start(ports: readonly number[]): void {
    this.#ports = ports;
    ports.forEach((port, index) => {
      this.#sockets[index]?.connect({ address: '127.0.0.1', port });
    });
    this.#startUs = systemClock.monotonicUs();
    this.#running = true;
    this.#sendDue();
  }

  stop(): void {
    this.#running = false;
  }

  resetDelays(): void {
    this.#delaysUs.length = 0;
    this.lateMs = 0;
  }

  delayMs(quantile: number): number {
    const sorted = Float64Array.from(this.#delaysUs).sort();
    return (sorted[Math.floor(sorted.length * quantile)] ?? Number.NaN) / 1000;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  readonly #sendDue = (): void => {
    if (!this.#running) return;
    const legs = this.#ports.length;
    const stepUs = (PACKET_MS * 1000) / legs;
    for (;;) {
      const number = this.#sentAtUs.length;
      const nowUs = systemClock.monotonicUs();
      const dueUs = this.#startUs + number * stepUs;
      if (nowUs < dueUs) break;
      this.lateMs = Math.max(this.lateMs, (nowUs - dueUs) / 1000);
      // Both legs of a call are half a packet apart.
      const leg = (((number % legs) * 2) % legs) + ((number % legs) * 2 >= legs ? 1 : 0);
      const round = Math.floor(number / legs);
      writeRtpHeader(this.#data, false, 0, round & 0xffff, (round * 160) >>> 0, leg + 1);
      this.#view.setUint32(12, number);
      this.#sentAtUs.push(nowUs);
      this.#sockets[leg]?.send(this.#data, { address: '127.0.0.1', port: this.#ports[leg] ?? 0 });
    }
    setImmediate(this.#sendDue);
  };
}

function ask(host: ChildProcess, request: HostRequest): Promise<HostReply> {
  return new Promise((resolve, reject) => {
    host.once('message', (reply) => {
      resolve(reply as HostReply);
    });
    host.once('exit', (code) => {
      reject(new Error(`the host ended with ${code ?? 'a signal'}`));
    });
    host.send(request);
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(networkName: string, sleepMs: number): Promise<unknown> {
  const calls = await loadLinuxCalls();
  if ('unavailable' in calls) throw new Error(calls.unavailable);
  const network = new LinuxDatagramNetwork(calls, systemClock, { sleepMs: 0.1 });
  const generator = new Generator();
  const host = fork(
    new URL('./relay-host.ts', import.meta.url),
    [networkName, String(sleepMs), values.journal, values['flush-ms'], values['sync-ms']],
    {
      execArgv:
        values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
    },
  );
  const phones = await generator.bind(network);
  const opened = await ask(host, { kind: 'open', phones });
  if (opened.kind !== 'opened') throw new Error('the host did not open its calls');
  generator.start(opened.ports);
  await pause(WARM_UP_MS);
  generator.resetDelays();
  const sentBefore = generator.sent;
  const before = await ask(host, { kind: 'usage' });
  await pause(windowMs);
  const after = await ask(host, { kind: 'usage' });
  const packets = generator.sent - sentBefore;
  const { lateMs } = generator;
  generator.stop();
  await pause(100);
  const end = await ask(host, { kind: 'end' });
  await network.close();
  if (before.kind !== 'usage' || after.kind !== 'usage' || end.kind !== 'ended') return undefined;
  const userUs = after.userUs - before.userUs;
  const systemUs = after.systemUs - before.systemUs;
  return {
    bench: 'relay',
    network: networkName,
    sleepMs,
    calls: callCount,
    packets,
    usPerPacket: round((userUs + systemUs) / packets),
    userUsPerPacket: round(userUs / packets),
    cpuMsPerCallSecond: round((userUs + systemUs) / 1000 / (packets / ((1000 / PACKET_MS) * 2))),
    packetsLost: generator.sent - generator.received,
    relayP50Ms: round(generator.delayMs(0.5)),
    relayP99Ms: round(generator.delayMs(0.99)),
    generatorLateMs: round(lateMs),
    threads: threadsBetween(before.threads, after.threads, packets),
    statistics: end.statistics,
  };
}

/** µs per packet of every thread that took part. */
function threadsBetween(
  before: readonly (readonly [string, number])[],
  after: readonly (readonly [string, number])[],
  packets: number,
): Record<string, number> {
  const earlier = new Map(before);
  return Object.fromEntries(
    after
      .map(
        ([name, ms]) => [name, round(((ms - (earlier.get(name) ?? 0)) * 1000) / packets)] as const,
      )
      .filter(([, us]) => us > 0.01),
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

for (const wanted of values.networks.split(',')) {
  const [name = '', sleep = '0'] = wanted.split(':');
  process.stdout.write(`${JSON.stringify(await measure(name, Number(sleep)))}\n`);
}
process.exit(0);
