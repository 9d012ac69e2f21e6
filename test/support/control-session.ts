import { expect } from 'vitest';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import type { SimPhones } from '../../src/sim/sim-phones.ts';
import { EventReceiver, type ReceivedEvent } from './event-receiver.ts';
import { openPhones, tonePhone } from './peers/sim-phones.ts';
import { until } from '../contract/until.ts';
import { SDK_PACKAGES, SdkSession } from './sdk-session.ts';
import { type ServerOptions, ServerProcess } from './server-process.ts';

/** The first generation, whose parser throws on whatever came after it. */
export const OLDEST_SDK = 'call-automation-1.0.0';

export type ControlledCall = { readonly callConnectionId: string; readonly serverCallId: string };
type Phone = { readonly phoneNumber: string };
type Name = 'first' | 'second' | 'third' | 'fourth';

/** What the phones of a session do when they are rung; those that answer send a tone each. */
export const PHONES: Readonly<Record<Name, Phone>> = {
  first: { phoneNumber: '+15550301' },
  second: { phoneNumber: '+15550302' },
  third: { phoneNumber: '+15550303' },
  fourth: { phoneNumber: '+15550304' },
};
/**
 * Where the limiter bends a sum of three of them, what comes of it (third and fifth order) stays 100 Hz away
 * from the fourth: who hears its own tone hears itself.
 */
export const TONES_HZ: Readonly<Record<Name, number>> = {
  first: 600,
  second: 1_500,
  third: 2_100,
  fourth: 2_500,
};
export const BUSY: Phone = { phoneNumber: '+15550486' };
export const DECLINING: Phone = { phoneNumber: '+15550603' };
export const SILENT: Phone = { phoneNumber: '+15550480' };
export const NOWHERE: Phone = { phoneNumber: '+15559999' };

const NAMES = Object.keys(PHONES) as readonly Name[];

/** A server, phones that an application calls, and the application with its web hook. */
export class ControlSession {
  server: ServerProcess;
  readonly sdk: SdkSession;
  readonly events: EventReceiver;
  readonly callback: string;
  readonly #options: ServerOptions;
  readonly #phones: SimPhones;
  readonly #calls: PhoneCall[] = [];

  private constructor(
    server: ServerProcess,
    sdk: SdkSession,
    events: EventReceiver,
    phones: SimPhones,
    options: ServerOptions,
  ) {
    this.server = server;
    this.#options = options;
    this.sdk = sdk;
    this.events = events;
    this.callback = `${events.url}callbacks`;
    this.#phones = phones;
    phones.onCall = (call) => this.#calls.push(call);
  }

  static async open(
    file: Readonly<Record<string, unknown>> = {},
    given: Pick<ServerOptions, 'env' | 'dataDirectory' | 'ports'> = {},
  ): Promise<ControlSession> {
    const events = await EventReceiver.open();
    const users = NAMES.map((name) => ({
      name,
      password: 'secret',
      number: PHONES[name].phoneNumber,
    }));
    const options: ServerOptions = {
      ...given,
      flags: ['--event-webhook', `${events.url}grid`],
      file: {
        users,
        sim: [
          { identifier: BUSY.phoneNumber, refuse: 486 },
          { identifier: DECLINING.phoneNumber, refuse: 603 },
          { identifier: SILENT.phoneNumber, neverAnswers: true },
        ],
        ...file,
      },
    };
    const server = await ServerProcess.start(options);
    const phones = await openPhones(
      server.ready.sip,
      NAMES.map((name) => tonePhone(PHONES[name].phoneNumber, TONES_HZ[name], name)),
      users,
    );
    return new ControlSession(
      server,
      await SdkSession.open(server, SDK_PACKAGES[0]),
      events,
      phones,
      options,
    );
  }

  /** Starts the server again that has gone. Needs a data directory and ports of the test's. */
  async restart(): Promise<void> {
    this.server = await ServerProcess.start(this.#options);
  }

  async close(): Promise<void> {
    this.sdk.close();
    await this.#phones.close();
    this.events.close();
    expect(await this.server.stop()).toBe(0);
  }

  /** A call in which all of these have answered. */
  async callTo(...phones: readonly Phone[]): Promise<ControlledCall> {
    const call = await this.sdk.call<ControlledCall>('createGroupCall', phones, this.callback);
    await this.rosterOf(call, phones.length);
    return call;
  }

  /** Any method of the SDK's connection. */
  on<T = Readonly<Record<string, unknown>>>(
    call: ControlledCall,
    method: string,
    ...args: readonly unknown[]
  ): Promise<T> {
    return this.sdk.call<T>('connection', call.callConnectionId, method, ...args);
  }

  next(call: ControlledCall, name: string): Promise<ReceivedEvent> {
    return this.events.next(name, (event) => isOf(call, event));
  }

  /** The next ParticipantsUpdated with so many; its participants. */
  async rosterOf(
    call: ControlledCall,
    size: number,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { data } = await this.events.next('ParticipantsUpdated', (event) => {
      const { participants } = event.data;
      return isOf(call, event) && Array.isArray(participants) && participants.length === size;
    });
    return data['participants'] as readonly Readonly<Record<string, unknown>>[];
  }

  /** Everything that a connection was told so far, oldest first. */
  told(call: ControlledCall): readonly ReceivedEvent[] {
    return this.events.received.filter((event) => isOf(call, event));
  }

  /** Ends the call for everybody. Everything that was told of it pleases the SDK's own parser. */
  async finish(call: ControlledCall, sdk: SdkSession = this.sdk): Promise<readonly string[]> {
    await sdk.call('hangUp', call.callConnectionId, true);
    await this.next(call, 'CallDisconnected');
    return this.parsed(call, sdk);
  }

  /** What the SDK's parser makes of what a connection was told: the kinds of events. */
  async parsed(call: ControlledCall, sdk: SdkSession = this.sdk): Promise<readonly string[]> {
    const kinds: string[] = [];
    for (const { envelope, type } of this.told(call)) {
      const event = await sdk.call<{ kind: string }>('parse', [envelope]);
      expect(`Microsoft.Communication.${event.kind}`).toBe(type);
      kinds.push(event.kind);
    }
    return kinds;
  }

  /** How many calls have reached this phone, or come from it. */
  callsOf({ phoneNumber }: Phone): number {
    return this.#calls.filter(({ phone }) => phone.identifier === phoneNumber).length;
  }

  /** The latest call that this phone was in. */
  async phone(phone: Phone): Promise<PhoneCall> {
    const latest = (): PhoneCall | undefined =>
      this.#calls.findLast((call) => call.phone.identifier === phone.phoneNumber);
    await until(`${phone.phoneNumber} is rung`, () => latest() !== undefined);
    const call = latest();
    if (call === undefined) throw new Error(`${phone.phoneNumber} was not rung`);
    return call;
  }

  /** A phone calls somebody. */
  dial(phone: Phone, to: string): Promise<PhoneCall> {
    return this.#phones.call({ phone: phone.phoneNumber, to });
  }
}

function isOf(call: ControlledCall, event: ReceivedEvent): boolean {
  return event.data['callConnectionId'] === call.callConnectionId;
}
