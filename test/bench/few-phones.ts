import { loadLinuxCalls } from '../../src/bridge/datagram/linux-calls.ts';
import { LinuxDatagramNetwork } from '../../src/bridge/datagram/linux-network.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import type { EventReceiver } from '../support/event-receiver.ts';
import { LoadPhones } from '../support/load/load-phones.ts';
import { tonePacket, tonesOf } from '../support/load/payloads.ts';
import type { ServerProcess } from '../support/server-process.ts';

/** The phones' thread looks at its sockets this often. */
const SLEEP_MS = 1;

/** Both sides of a few calls that need no process of their own: steady tones. */
export async function openPhones(server: ServerProcess, sipPort: number): Promise<LoadPhones> {
  const calls = await loadLinuxCalls();
  if ('unavailable' in calls) throw new Error(calls.unavailable);
  const packets = new Map<number, Uint8Array>();
  return LoadPhones.open({
    serverUri: server.ready.sip,
    sipPort,
    media: new LinuxDatagramNetwork(calls, systemClock, { sleepMs: SLEEP_MS }),
    payloadOf: (call, side) => {
      const { callerHz, calleeHz } = tonesOf(call);
      const hz = side === 'caller' ? callerHz : calleeHz;
      const packet = packets.get(hz) ?? tonePacket(hz);
      packets.set(hz, packet);
      return packet;
    },
  });
}

/** serverCallIds by number of call: our callers are named by it. */
export async function idsOfCalls(events: EventReceiver, calls: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let found = 0; found < calls; found += 1) {
    const event = await events.next('CallParticipantAdded', ({ data }) =>
      /caller\d+@/.test(JSON.stringify(data['user'])),
    );
    const call = /caller(\d+)@/.exec(JSON.stringify(event.data['user']))?.[1];
    ids[Number(call)] = String(event.data['serverCallId']);
  }
  return ids;
}
