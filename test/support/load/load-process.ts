import { loadLinuxCalls } from '../../../src/bridge/datagram/linux-calls.ts';
import { LinuxDatagramNetwork } from '../../../src/bridge/datagram/linux-network.ts';
import { NodeDatagramNetwork } from '../../../src/bridge/datagram/node-network.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { LoadPhones, type PayloadOf } from './load-phones.ts';
import { OPUS, opusTones, packetOf } from './opus-tones.ts';
import {
  callerFrequenciesHz,
  numberedPacket,
  silencePacket,
  speechPackets,
  tonePacket,
  tonesOf,
} from './payloads.ts';
import type { LoadReply, LoadRequest } from './load-generator.ts';

/** The generator's process: does what comes over IPC. See load-generator.ts. */

/** Short, so that packets leave when they are due, not in groups. */
const SLEEP_MS = 0.1;

const [
  serverUri = '',
  sipPort = '',
  kind = 'tones',
  natEvery = '0',
  callerCodec = 'PCMU',
  security = 'plain',
] = process.argv.slice(2);

const calls = await loadLinuxCalls();
const media =
  'unavailable' in calls
    ? new NodeDatagramNetwork(systemClock)
    : new LinuxDatagramNetwork(calls, systemClock, { sleepMs: SLEEP_MS });

const phones = await LoadPhones.open({
  serverUri,
  sipPort: Number(sipPort),
  media,
  payloadOf: await payloads(),
  natEvery: Number(natEvery),
  ...(callerCodec === 'opus' && { callerFormat: OPUS }),
  isSecure: security === 'srtp',
});

async function payloads(): Promise<PayloadOf> {
  if (callerCodec === 'opus') return withOpus(tones());
  if (kind === 'numbers') return numbers();
  return kind === 'voices' ? voices() : tones();
}

/** As `payloadOf`, but callers say their tones in Opus. */
async function withOpus(payloadOf: PayloadOf): Promise<PayloadOf> {
  // All of them before anything is sent: encoding takes time.
  const tones = await opusTones(callerFrequenciesHz());
  return (call, side, number) => {
    const tone = side === 'caller' ? tones.get(tonesOf(call).callerHz) : undefined;
    return tone === undefined ? payloadOf(call, side, number) : packetOf(tone, number);
  };
}

/** A little speech, then the tones. */
async function voices(): Promise<PayloadOf> {
  const speech = { caller: await speechPackets('caller'), callee: await speechPackets('callee') };
  const toneOf = tones();
  return (call, side, number) => speech[side][number] ?? toneOf(call, side, number);
}

function tones(): PayloadOf {
  const packets = new Map<number, Uint8Array>();
  return (call, side) => {
    const { callerHz, calleeHz } = tonesOf(call);
    const frequencyHz = side === 'caller' ? callerHz : calleeHz;
    let packet = packets.get(frequencyHz);
    if (packet === undefined) {
      packet = tonePacket(frequencyHz);
      packets.set(frequencyHz, packet);
    }
    return packet;
  };
}

/** The caller says the number of each packet, the callee is silent. */
function numbers(): PayloadOf {
  const silence = silencePacket();
  return (_call, side, number) => (side === 'caller' ? numberedPacket(number + 1) : silence);
}

async function perform(request: LoadRequest): Promise<unknown> {
  switch (request.do) {
    case 'place':
      return phones.place(request.from, request.to);
    case 'start':
      phones.start();
      return undefined;
    case 'stop':
      phones.stop();
      return undefined;
    case 'reset':
      phones.resetCounts();
      return undefined;
    case 'counts':
      return phones.counts();
    case 'sent-at':
      return phones.sentAtMs(request.call);
    case 'began-at':
      return phones.beganAtMs();
    case 'legs-up':
      return phones.legsUp();
    case 'hang-up':
      return phones.hangUp();
    case 'close':
      await phones.close();
      process.disconnect();
      return undefined;
  }
}

process.on('message', (message: { id: number; request: LoadRequest }) => {
  const { id, request } = message;
  void perform(request).then(
    (value) => process.send?.({ id, value } satisfies LoadReply),
    (error: unknown) => process.send?.({ id, error: String(error) } satisfies LoadReply),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, value: 'ready' } satisfies LoadReply);
