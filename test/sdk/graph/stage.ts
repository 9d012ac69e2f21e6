import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALL_ROLES } from '../../../src/core/application.ts';
import { sine } from '../../../src/media/tone/sine.ts';
import { wavHeader } from '../../../src/media/wav/wav-header.ts';
import { NotificationReceiver } from '../../support/notification-receiver.ts';
import { ServerProcess } from '../../support/server-process.ts';
import type { LaneStage } from '../suite.ts';
import { Caller, PROMPT_AMPLITUDE, PROMPT_HZ, PROMPT_MS, USER } from './caller.ts';

const TENANT = '11111111-2222-4333-8444-555555555555';
const BOT = {
  id: 'aaaaaaaa-1111-4222-8333-444444444444',
  name: 'recorder',
  secret: 'the-secret-of-the-recorder-bot',
} as const;
const BOT_NUMBER = '+15550400';
/** The vendor wants prompts like this. */
const PROMPT_RATE_HZ = 16_000;
/** As in example 1, but for the host. */
const PROMPT_PATH = '/beep.wav';

/** What all lanes share: a server with a bot that a number reaches, the bot's callback and prompt, a phone. */
export class GraphStage implements LaneStage {
  readonly server: ServerProcess;
  readonly hook: NotificationReceiver;
  readonly directory: string;
  readonly promptUri: string;
  readonly #prompts: Server;
  readonly #keep: boolean;

  private constructor(
    parts: Pick<GraphStage, 'server' | 'hook' | 'directory'>,
    prompts: Server,
    keep: boolean,
  ) {
    this.server = parts.server;
    this.hook = parts.hook;
    this.directory = parts.directory;
    this.#prompts = prompts;
    this.#keep = keep;
    const { port } = prompts.address() as AddressInfo;
    this.promptUri = `http://127.0.0.1:${port}${PROMPT_PATH}`;
  }

  /** @param keep leave the directory with what was downloaded. */
  static async open(keep: boolean): Promise<GraphStage> {
    const directory = await mkdtemp(join(tmpdir(), 'tapedeck-graph-'));
    const hook = await NotificationReceiver.open();
    const application = {
      ...{ id: BOT.id, name: BOT.name, tenant: TENANT, secrets: [BOT.secret] },
      ...{ roles: CALL_ROLES, callbackUri: `${hook.url}/incoming` },
    };
    const server = await ServerProcess.start({
      file: {
        users: [USER],
        applications: [application],
        routes: [{ to: `^\\${BOT_NUMBER}$`, action: 'application', bot: BOT.name }],
      },
    });
    return new GraphStage({ server, hook, directory }, await promptServer(), keep);
  }

  /** The variables that every lane needs. */
  get environment(): Readonly<Record<string, string>> {
    const { https } = this.server.ready;
    return {
      GRAPH_BASE_URL: `${https}/v1.0`,
      AZURE_AUTHORITY_HOST: https,
      AZURE_TENANT_ID: TENANT,
      AZURE_CLIENT_ID: BOT.id,
      AZURE_CLIENT_SECRET: BOT.secret,
    };
  }

  /** PEM of the CA that lanes have to trust. */
  get caFile(): string {
    return this.server.ready.caFile ?? '';
  }

  /** A phone that has called the bot, and the call of which the bot was told. */
  async incoming(): Promise<{ readonly caller: Caller; readonly callId: string }> {
    const caller = await Caller.open(this.server.ready.sip, this.directory);
    caller.call(BOT_NUMBER);
    const { resourceData } = await this.hook.next(
      'an incoming call',
      (one) => one.changeType === 'created' && one.resourceData['state'] === 'incoming',
    );
    return { caller, callId: String(resourceData['id']) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    this.hook.close();
    this.#prompts.close();
    this.#prompts.closeAllConnections();
    if (!this.#keep) await rm(this.directory, { recursive: true, force: true });
  }
}

async function promptServer(): Promise<Server> {
  const tone = { frequencyHz: PROMPT_HZ, amplitude: PROMPT_AMPLITUDE };
  const samples = sine(tone, PROMPT_RATE_HZ, (PROMPT_MS * PROMPT_RATE_HZ) / 1000);
  const header = wavHeader({ sampleRateHz: PROMPT_RATE_HZ, channels: 1 }, samples.byteLength);
  const wav = Buffer.concat([header, Buffer.from(samples.buffer)]);
  const server = createServer(({ url }, response) => {
    if (url === PROMPT_PATH) response.end(wav);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
