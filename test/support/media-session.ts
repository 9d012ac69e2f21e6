import { expect } from 'vitest';
import { decodeG711 } from '../../src/media/g711/g711.ts';
import { findTone, type ToneSpan } from '../../src/media/tone/tone-meter.ts';
import { ControlSession, type ControlledCall } from './control-session.ts';
import type { ReceivedEvent } from './event-receiver.ts';
import { type KeypadCall, KeypadPhones } from './peers/keypad-phones.ts';
import type { MediaLine } from './peers/media-line.ts';
import { PromptServer } from './prompt-server.ts';
import type { SdkSession } from './sdk-session.ts';

const PCMU = 0;
const RATE_HZ = 8_000;
/** Half of what prompts have: −6 dB. */
const THRESHOLD = 8_192;

/** For what is on its way to a phone. */
export const PATIENCE = { timeout: 10_000, interval: 20 } as const;

/** A call to phones with keys, by name. */
export type MediaCall = ControlledCall & { readonly phones: readonly KeypadCall[] };

/** An application's session (see ControlSession), its prompts, and phones whose keys the test presses. */
export class MediaSession {
  readonly control: ControlSession;
  readonly prompts: PromptServer;
  readonly phones: KeypadPhones;

  private constructor(control: ControlSession, prompts: PromptServer, phones: KeypadPhones) {
    this.control = control;
    this.prompts = prompts;
    this.phones = phones;
  }

  static async open(file: Readonly<Record<string, unknown>> = {}): Promise<MediaSession> {
    return new MediaSession(
      await ControlSession.open(file),
      await PromptServer.open(),
      await KeypadPhones.open(),
    );
  }

  async close(): Promise<void> {
    await this.control.close();
    await this.phones.close();
    this.prompts.close();
  }

  /** A call in which all of these have answered, by this application or another one. */
  async callTo(names: readonly string[], sdk: SdkSession = this.control.sdk): Promise<MediaCall> {
    const targets = names.map((name) => this.phones.identifierOf(name));
    const { callback } = this.control;
    const call = await sdk.call<ControlledCall>('createGroupCall', targets, callback);
    await this.control.rosterOf(call, names.length);
    const phones = await Promise.all(names.map((name) => this.phones.call(name)));
    return { ...call, phones };
  }

  /** Any method of the SDK's media of the call. */
  on<T = unknown>(call: ControlledCall, method: string, ...args: readonly unknown[]): Promise<T> {
    return this.control.sdk.call<T>('media', call.callConnectionId, method, ...args);
  }

  /** The next event of this name, which has this result; its data. */
  async told(
    call: ControlledCall,
    name: string,
    result: readonly [code: number, subCode: number],
  ): Promise<ReceivedEvent['data']> {
    const { data } = await this.control.next(call, name);
    const { resultInformation } = data;
    expect(resultInformation).toMatchObject({ code: result[0], subCode: result[1] });
    return data;
  }

  /** Ends the call; names of what it was told beside its own life, each of which the SDK's parser knows. */
  async finish(call: ControlledCall): Promise<readonly string[]> {
    return (await this.control.finish(call)).filter((name) => !LIFE.includes(name));
  }
}

const LIFE = ['CallConnected', 'ParticipantsUpdated', 'CallDisconnected'];

/** Where a prompt's tone was heard, in order; milliseconds of what the phone heard. */
export function tonesHeard(line: MediaLine, frequencyHz: number): readonly ToneSpan[] {
  const packets = line.heard.filter(({ payloadType }) => payloadType === PCMU);
  const codes = Buffer.concat(packets.map(({ payload }) => payload));
  const samples = new Int16Array(codes.length);
  decodeG711('PCMU', codes, samples);
  return findTone(samples, RATE_HZ, { frequencyHz, threshold: THRESHOLD, bridgeMs: 40 });
}

/** A tone is heard, now or soon. */
export async function expectHeard(line: MediaLine, frequencyHz: number): Promise<void> {
  await expect.poll(() => line.levelOf(frequencyHz), PATIENCE).toBeGreaterThan(-9);
}

/** It is not heard any more; of a phone to which something else is sent, be it silence. */
export async function expectSilent(line: MediaLine, frequencyHz: number): Promise<void> {
  await expect.poll(() => line.levelOf(frequencyHz), PATIENCE).toBeLessThan(-50);
}
