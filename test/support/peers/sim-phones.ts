import {
  createSimPhones,
  type SimPhones,
  type SimPhonesConfig,
} from '../../../src/sim/sim-phones.ts';
import type { PhoneStep, SimPhone } from '../../../src/sim/phone-script.ts';
import { SILENT_LOGGER } from '../../../src/core/ports/log.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import type { TonePlan } from '../tone-plan.ts';

/** A simulated phone in the test's own process, that keeps what it hears. */
export function openPhones(
  serverUri: string,
  phones: readonly SimPhone[],
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
export function phoneOf(identifier: string, plan: TonePlan, register?: string): SimPhone {
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

function stepsOf(plan: TonePlan): PhoneStep[] {
  const levelDb = 20 * Math.log10(plan.amplitude / 32_767);
  return plan.spans.flatMap(({ startMs, endMs }): PhoneStep[] => [
    { do: 'waitUntil', atMs: startMs },
    { do: 'tone', frequencyHz: plan.frequencyHz, levelDb, durationMs: endMs - startMs },
  ]);
}
