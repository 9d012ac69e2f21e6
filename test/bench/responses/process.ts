import { loadLinuxCalls } from '../../../src/bridge/datagram/linux-calls.ts';
import { LinuxDatagramNetwork } from '../../../src/bridge/datagram/linux-network.ts';
import { NodeDatagramNetwork } from '../../../src/bridge/datagram/node-network.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import type { CallersReply, CallersRequest } from './generator.ts';
import { ResponsePhones } from './phones.ts';

/** The callers' process: does what comes over IPC. See generator.ts. */

/** Short, so that packets leave when they are due, not in groups. */
const SLEEP_MS = 1;

const [botUri = ''] = process.argv.slice(2);
const calls = await loadLinuxCalls();
const phones = await ResponsePhones.open(
  botUri,
  'unavailable' in calls
    ? new NodeDatagramNetwork(systemClock)
    : new LinuxDatagramNetwork(calls, systemClock, { sleepMs: SLEEP_MS }),
);

async function perform(request: CallersRequest): Promise<unknown> {
  if (request.do === 'call') return phones.call(request.batch);
  await phones.close();
  process.disconnect();
  return undefined;
}

process.on('message', (message: { id: number; request: CallersRequest }) => {
  const { id, request } = message;
  void perform(request).then(
    (value) => process.send?.({ id, value } satisfies CallersReply),
    (error: unknown) => process.send?.({ id, error: String(error) } satisfies CallersReply),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, value: 'ready' } satisfies CallersReply);
