import { loadLinuxCalls } from '../../../src/bridge/datagram/linux-calls.ts';
import { LinuxDatagramNetwork } from '../../../src/bridge/datagram/linux-network.ts';
import { NodeDatagramNetwork } from '../../../src/bridge/datagram/node-network.ts';
import type { AudioFormat } from '../../../src/core/media-format.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import type { ConferenceReply, ConferenceRequest } from './generator.ts';
import { ConferencePhones } from './phones.ts';

/** The generator's process: does what comes over IPC. See generator.ts. */

/** Short, so that packets leave when they are due, not in groups. */
const SLEEP_MS = 0.1;

const [sipPort = '', format = ''] = process.argv.slice(2);
const calls = await loadLinuxCalls();
const phones = await ConferencePhones.open(
  Number(sipPort),
  JSON.parse(format) as AudioFormat,
  'unavailable' in calls
    ? new NodeDatagramNetwork(systemClock)
    : new LinuxDatagramNetwork(calls, systemClock, { sleepMs: SLEEP_MS }),
);

async function perform(request: ConferenceRequest): Promise<unknown> {
  switch (request.do) {
    case 'begin':
      return phones.begin(request.participants);
    case 'joined':
      return phones.joined;
    case 'reset':
      phones.reset();
      return undefined;
    case 'counts':
      return phones.counts();
    case 'close':
      await phones.close();
      process.disconnect();
      return undefined;
  }
}

process.on('message', (message: { id: number; request: ConferenceRequest }) => {
  const { id, request } = message;
  void perform(request).then(
    (value) => process.send?.({ id, value } satisfies ConferenceReply),
    (error: unknown) => process.send?.({ id, error: String(error) } satisfies ConferenceReply),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, value: 'ready' } satisfies ConferenceReply);
