import {
  createSimPhones,
  type SimPhones,
  type SimPhonesConfig,
} from '../../../src/sim/sim-phones.ts';
import type { PhoneStep, SimulatedPhone } from '../../../src/core/simulated-phone.ts';
import type { PhoneCall } from '../../../src/sim/phone-call.ts';
import { RATE_HZ } from '../../../src/sim/telephony.ts';
import { levelDb, toneAmplitude } from '../../../src/media/tone/tone-meter.ts';
import { SILENT_LOGGER } from '../../../src/core/ports/log.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import type { TonePlan } from '../tone-plan.ts';

const HEARD_SAMPLES = RATE_HZ / 10;

/** A simulated phone in the test's own process, that keeps what it hears. */
export function openPhones(
  serverUri: string,
  phones: readonly SimulatedPhone[],
  users: SimPhonesConfig['users'] = [],
): Promise<SimPhones> {
  return createSimPhones(
    { phones, users, serverUri, baseDirectory: '.', keepHeard: true },
    {
      clock: systemClock,
      random: systemRandom,
      datagrams: new NodeDatagramNetwork(systemClock),
      streams: new NodeStreamNetwork(),
      log: SILENT_LOGGER,
    },
  );
}

/** A phone that answers soon and says the plan. */
export function phoneOf(identifier: string, plan: TonePlan, register?: string): SimulatedPhone {
  return {
    identifier,
    name: identifier,
    answerAfterMs: 50,
    refuse: undefined,
    neverAnswers: false,
    codecs: ['PCMU', 'PCMA'],
    register,
    steps: stepsOf(plan),
    loop: false,
    hangUpAfterMs: undefined,
  };
}

/** A phone that answers soon and sends one tone at −6 dB until it is hung up. */
export function tonePhone(
  identifier: string,
  frequencyHz: number,
  register?: string,
): SimulatedPhone {
  const plan = { frequencyHz, spans: [], totalMs: 0, amplitude: 0 };
  const tone = { do: 'tone', frequencyHz, levelDb: -6, durationMs: 600_000 } as const;
  return { ...phoneOf(identifier, plan, register), steps: [tone] };
}

/** Level of a tone in the last 100 ms that a call heard, in dB; −∞ before there is as much. */
export function levelHeard(call: PhoneCall, frequencyHz: number): number {
  const samples = call.heardSamples();
  if (samples.length < HEARD_SAMPLES) return -Infinity;
  const from = samples.length - HEARD_SAMPLES;
  return levelDb(toneAmplitude(samples, RATE_HZ, frequencyHz, from, HEARD_SAMPLES));
}

function stepsOf(plan: TonePlan): PhoneStep[] {
  const levelDb = 20 * Math.log10(plan.amplitude / 32_767);
  return plan.spans.flatMap(({ startMs, endMs }): PhoneStep[] => [
    { do: 'waitUntil', atMs: startMs },
    { do: 'tone', frequencyHz: plan.frequencyHz, levelDb, durationMs: endMs - startMs },
  ]);
}
