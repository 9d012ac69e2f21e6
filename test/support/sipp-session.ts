import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { ControlSession, type ControlledCall } from './control-session.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import { freePort } from './free-port.ts';
import { mediaIn, SippPhone, type SippPhoneOptions } from './peers/sipp-phone.ts';
import { MediaLine } from './peers/media-line.ts';
import { recordingFile } from './recording-file.ts';
import { readClip } from './tone-plan.ts';

/** A call that SIPp signals, and whose media the test sends and receives itself. */
export type SippCall = {
  readonly sipp: SippPhone;
  readonly line: MediaLine;
  /** Of the application. */
  readonly call: ControlledCall;
};

export type Identifier = Readonly<Record<string, string>>;

const HEARD_DB = -9;
const POLL_MS = 20;
const PATIENCE_MS = 10_000;

/** A tone is heard, now or soon, by what measures its level in dB; phones of the session say theirs at −6. */
export async function expectHeard(levelDb: () => number): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  let level = levelDb();
  // Not by `expect.poll`, which tests that run at the same time cannot use.
  while (level <= HEARD_DB && performance.now() < giveUpAtMs) {
    await delay(POLL_MS);
    level = levelDb();
  }
  expect(level).toBeGreaterThan(HEARD_DB);
}

let callers = 0;

/** An application's session (see ControlSession) that SIPp calls, and that calls SIPp. */
export class SippSession {
  readonly control: ControlSession;
  /** Where the trunk's phones are to listen. */
  readonly trunkPort: number;
  readonly #phones: SippPhone[] = [];
  readonly #lines: MediaLine[] = [];

  private constructor(control: ControlSession, trunkPort: number) {
    this.control = control;
    this.trunkPort = trunkPort;
  }

  /** The server trusts who calls from the machine itself, as it trusts trunks. */
  static async open(file: Readonly<Record<string, unknown>> = {}): Promise<SippSession> {
    const trunkPort = await freePort();
    const trunk = { name: 'sipp', uri: `sip:127.0.0.1:${trunkPort}`, addresses: ['127.0.0.1'] };
    return new SippSession(await ControlSession.open({ trunks: [trunk], ...file }), trunkPort);
  }

  async close(): Promise<void> {
    await Promise.all(this.#phones.map((phone) => phone.close()));
    for (const line of this.#lines) line.close();
    await this.control.close();
  }

  /** SIPp calls `to`; the scenario finds its media port as `[rtp_port]`, and who it is as `[caller_user]`. */
  async caller(
    to: string,
    scenario: string,
    options: Partial<SippPhoneOptions> = {},
  ): Promise<Pick<SippCall, 'sipp' | 'line'> & { readonly user: string }> {
    callers += 1;
    const user = `sipp${callers}`;
    const target = this.control.server.ready.sip.replace('sip:', '');
    const phone = await this.#phone({ scenario, target, service: to, ...options }, user);
    return { ...phone, user };
  }

  /** SIPp waits to be called; the application finds it under `identifier`. */
  async callee(
    scenario: string,
    options: Partial<SippPhoneOptions> = {},
  ): Promise<Pick<SippCall, 'sipp' | 'line'> & { readonly identifier: Identifier }> {
    const phone = await this.#phone({ scenario, ...options }, 'callee');
    return { ...phone, identifier: { id: `sip:sipp@127.0.0.1:${phone.sipp.port}` } };
  }

  /** SIPp calls, and the application answers. */
  async incoming(scenario: string, options: Partial<SippPhoneOptions> = {}): Promise<SippCall> {
    const phone = await this.caller('application', scenario, options);
    const call = await this.answered(phone.user);
    phone.line.remote = mediaIn((await phone.sipp.message('received', /^SIP\/2.0 200/)).text);
    return { ...phone, call };
  }

  /** The application answers who calls as `user`. */
  async answered(user: string): Promise<ControlledCall> {
    const { sdk, callback } = this.control;
    const call = await sdk.call<ControlledCall>('answerCall', await this.offered(user), callback);
    await this.control.next(call, 'CallConnected');
    return call;
  }

  /** The context under which the call of `user` waits for an answer. */
  async offered(user: string): Promise<string> {
    const { data } = await this.control.events.next('IncomingCall', (event) => {
      const from = event.data['from'] as { readonly rawId: string };
      return from.rawId.includes(`sip:${user}@`);
    });
    return data['incomingCallContext'] as string;
  }

  /** The application calls SIPp, which answers. */
  async outgoing(scenario: string, options: Partial<SippPhoneOptions> = {}): Promise<SippCall> {
    const { identifier, ...phone } = await this.callee(scenario, options);
    const call = await this.dial(identifier);
    await this.control.next(call, 'CallConnected');
    phone.line.remote = mediaIn((await phone.sipp.message('received', /^INVITE/)).text);
    return { ...phone, call };
  }

  /** Everything of the call is recorded from now on; what it returns waits for the file. */
  async record(call: ControlledCall): Promise<() => Promise<WavClip>> {
    const { sdk, events, server } = this.control;
    const { recordingId } = await sdk.call<{ recordingId: string }>('startRecording', {
      callLocator: { kind: 'serverCallLocator', id: call.serverCallId },
      recordingContent: 'audio',
      recordingChannel: 'mixed',
      recordingFormat: 'wav',
    });
    return async () => {
      const event = await events.next(
        'RecordingFileStatusUpdated',
        ({ data }) => data['recordingId'] === recordingId,
      );
      return readClip(recordingFile(server, event));
    };
  }

  /** The application calls two at once, and both have answered. */
  async bridge(...targets: readonly Identifier[]): Promise<ControlledCall> {
    const { sdk, callback } = this.control;
    const call = await sdk.call<ControlledCall>('createGroupCall', targets, callback);
    await this.control.rosterOf(call, targets.length);
    return call;
  }

  /** The application calls somebody. */
  dial(target: Identifier): Promise<ControlledCall> {
    const { sdk, callback } = this.control;
    return sdk.call<ControlledCall>('createCall', { targetParticipant: target }, callback);
  }

  async #phone(
    options: SippPhoneOptions,
    user: string,
  ): Promise<{ readonly sipp: SippPhone; readonly line: MediaLine }> {
    const line = await MediaLine.open();
    this.#lines.push(line);
    const keys = { rtp_port: line.port, caller_user: user, ...options.keys };
    const sipp = await SippPhone.start({ ...options, keys });
    this.#phones.push(sipp);
    return { sipp, line };
  }
}
