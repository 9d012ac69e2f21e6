import { phoneNumber } from '../../core/identifier.ts';
import type { CallConnectionId, ServerCallId } from '../../core/ids.ts';
import type { CreateCall } from '../../core/ports/call-service.ts';
import { Calls } from '../calls.ts';
import type { CallSettings } from '../context.ts';
import { API_VERSION, CALLBACK } from './answered-call.ts';
import type { FakeOutgoing } from './fake-signalling.ts';
import { FakeWorld, settled } from './fake-world.ts';

/** A number that has a phone; the phones of `FakeSignalling.placed` are found by it. */
export const numberOf = (digit: number): string => `+1555010${digit}`;

export type HeldCall = {
  readonly id: CallConnectionId;
  readonly serverCallId: ServerCallId;
  readonly phones: readonly FakeOutgoing[];
};

/** Calls that an application makes to phones with numbers, and what it hears of them. */
export class Conference {
  readonly world: FakeWorld = new FakeWorld();
  readonly calls: Calls;

  private constructor(overrides: Partial<CallSettings>) {
    this.calls = new Calls(this.world.ports, this.world.settings(overrides));
    for (let digit = 0; digit < 10; digit += 1) {
      this.world.signalling.contacts.set(numberOf(digit), [uriOf(digit)]);
    }
  }

  static async open(overrides: Partial<CallSettings> = {}): Promise<Conference> {
    const conference = new Conference(overrides);
    await conference.calls.start();
    return conference;
  }

  /** A call in which all of these have answered. */
  with(...digits: readonly number[]): Promise<HeldCall> {
    return this.withOptions({}, ...digits);
  }

  async withOptions(options: Partial<CreateCall>, ...digits: readonly number[]): Promise<HeldCall> {
    const { callConnectionId, serverCallId } = await this.calls.createCall({
      targets: digits.map((digit) => phoneNumber(numberOf(digit))),
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
      ...options,
    });
    await settled();
    const phones = digits.map((digit) => this.phone(digit));
    for (const phone of phones) phone.accept();
    await settled();
    return { id: callConnectionId, serverCallId, phones };
  }

  /** The phone of this number that was rung last. */
  phone(digit: number): FakeOutgoing {
    const phone = this.world.signalling.placed.findLast(
      ({ request }) => request.uri === uriOf(digit),
    );
    if (phone === undefined) throw new Error(`nobody rang ${numberOf(digit)}`);
    return phone;
  }

  /** Callbacks to a connection, oldest first: name and data. */
  heard(id: CallConnectionId): readonly { readonly name: string; readonly data: object }[] {
    return this.world.ledger.facts.flatMap((fact) => {
      if (fact.kind !== 'event' || fact.event.kind !== 'callback') return [];
      const data = JSON.parse(fact.event.data) as Record<string, unknown>;
      if (data['callConnectionId'] !== id) return [];
      return [{ name: fact.event.type.replace(/^.*\./, ''), data }];
    });
  }

  names(id: CallConnectionId): readonly string[] {
    return this.heard(id).map(({ name }) => name);
  }

  /** Raw ids of who is in the call. */
  async roster(id: CallConnectionId): Promise<readonly string[]> {
    return (await this.calls.participants(id)).map(({ identifier }) => identifier.rawId);
  }
}

function uriOf(digit: number): string {
  return `sip:${numberOf(digit)}@phone.test`;
}
