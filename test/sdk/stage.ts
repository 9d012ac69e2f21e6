import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Azurite } from '../support/azurite.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess } from '../support/server-process.ts';
import { writeSamples } from '../support/tone-plan.ts';
import { voiceOfAlice, voiceOfBob } from './staircase.ts';

export const ALICE = '8:acs:tapedeck_alice';
export const BOB = '8:acs:tapedeck_bob';

type Properties = { readonly callConnectionId: string; readonly serverCallId: string };

/** What all lanes share: a server with two phones, a web hook, a blob server, a scratch directory. */
export class Stage implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly events: EventReceiver;
  readonly azurite: Azurite;
  readonly directory: string;
  readonly keep: boolean;
  readonly #sdk: SdkSession;

  private constructor(
    parts: Pick<Stage, 'server' | 'events' | 'azurite' | 'directory' | 'keep'>,
    sdk: SdkSession,
  ) {
    this.server = parts.server;
    this.events = parts.events;
    this.azurite = parts.azurite;
    this.directory = parts.directory;
    this.keep = parts.keep;
    this.#sdk = sdk;
  }

  /** @param keep leave the directory with what was downloaded. */
  static async open(keep: boolean): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'tapedeck-sdk-'));
    const events = await EventReceiver.open();
    const azurite = await Azurite.start();
    const alice = join(directory, 'alice.wav');
    const bob = join(directory, 'bob.wav');
    await writeSamples(await voiceOfAlice(), alice);
    await writeSamples(await voiceOfBob(), bob);
    const server = await ServerProcess.start({
      flags: ['--event-webhook', `${events.url}grid`],
      file: {
        sim: [
          { identifier: ALICE, name: 'alice', speak: alice },
          { identifier: BOB, name: 'bob', speak: bob },
        ].map((phone) => ({ ...phone, loop: true, answerAfter: '20ms' })),
      },
    });
    const sdk = await SdkSession.open(server, SDK_PACKAGES[0]);
    return new Stage({ server, events, azurite, directory, keep }, sdk);
  }

  /** Both phones are in the call, and speak. */
  async connect(callbackUrl: string): Promise<Properties> {
    const call = await this.#sdk.call<Properties>(
      'createGroupCall',
      [ALICE, BOB].map((communicationUserId) => ({ communicationUserId })),
      callbackUrl,
    );
    await this.events.next(
      'ParticipantsUpdated',
      ({ data }) =>
        data['callConnectionId'] === call.callConnectionId &&
        (data['participants'] as unknown[]).length === 2,
    );
    return call;
  }

  async hangUp(call: Properties): Promise<void> {
    await this.#sdk.call('hangUp', call.callConnectionId, true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sdk.close();
    await this.server.stop();
    await this.azurite.stop();
    this.events.close();
    if (!this.keep) await rm(this.directory, { recursive: true, force: true });
  }
}
