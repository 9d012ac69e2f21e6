import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventReceiver } from '../support/event-receiver.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess } from '../support/server-process.ts';
import { Azurite } from './azurite.ts';
import { staircaseScript, STEADY_HZ } from './staircase.ts';

export const ALICE = '8:acs:tapedeck_alice';
export const BOB = '8:acs:tapedeck_bob';

type Properties = { readonly callConnectionId: string; readonly serverCallId: string };

/** What all lanes share: a server with two phones, a web hook, a blob server, a scratch directory. */
export class Stage implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly events: EventReceiver;
  readonly azurite: Azurite;
  readonly directory: string;
  readonly #sdk: SdkSession;

  private constructor(
    parts: Pick<Stage, 'server' | 'events' | 'azurite' | 'directory'>,
    sdk: SdkSession,
  ) {
    this.server = parts.server;
    this.events = parts.events;
    this.azurite = parts.azurite;
    this.directory = parts.directory;
    this.#sdk = sdk;
  }

  static async open(): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'tapedeck-sdk-'));
    const events = await EventReceiver.open();
    const azurite = await Azurite.start(join(directory, 'azurite'));
    const server = await ServerProcess.start({
      flags: ['--event-webhook', `${events.url}grid`],
      file: {
        sim: [
          { identifier: ALICE, name: 'alice', script: staircaseScript(), loop: true },
          { identifier: BOB, name: 'bob', tone: STEADY_HZ },
        ].map((phone) => ({ ...phone, answerAfter: '20ms' })),
      },
    });
    const sdk = await SdkSession.open(server, SDK_PACKAGES[0]);
    return new Stage({ server, events, azurite, directory }, sdk);
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
    await rm(this.directory, { recursive: true, force: true });
  }
}
