import type { LocalMedia } from '../../../src/core/media-format.ts';
import { DEFAULT_FORMATS, SipEndpoint } from '../../../src/sip/endpoint.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import type { InviteServerSession } from '../../../src/sip/session/invite-server-session.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import { until } from '../../contract/until.ts';
import { MediaLine } from './media-line.ts';

const HOST = '127.0.0.1';

/** One call of a phone: what it says and hears, and the keys that are pressed on it. */
export type KeypadCall = {
  readonly line: MediaLine;
  hangUp(): Promise<void>;
};

/** Phones that answer at once, whatever their names, and whose keys the test presses. */
export class KeypadPhones {
  readonly #endpoint: SipEndpoint;
  readonly #calls = new Map<string, KeypadCall>();
  readonly #lines: MediaLine[] = [];

  private constructor(endpoint: SipEndpoint) {
    this.#endpoint = endpoint;
    endpoint.onInvite = (session) => void this.#answer(session);
  }

  static async open(): Promise<KeypadPhones> {
    const endpoint = await SipEndpoint.open(
      { hosts: [HOST], port: 0 },
      {
        clock: systemClock,
        random: systemRandom,
        datagrams: new NodeDatagramNetwork(systemClock),
        streams: new NodeStreamNetwork(),
      },
    );
    return new KeypadPhones(endpoint);
  }

  /** As the SDK names the phone. */
  identifierOf(name: string): { readonly id: string } {
    return { id: `sip:${name}@${HOST}:${this.#endpoint.addresses[0]?.port}` };
  }

  /** The latest call of a phone; each is handed out once. */
  async call(name: string): Promise<KeypadCall> {
    await until(`${name} is called`, () => this.#calls.has(name));
    const call = this.#calls.get(name);
    this.#calls.delete(name);
    if (call === undefined) throw new Error('unreachable');
    return call;
  }

  async close(): Promise<void> {
    for (const line of this.#lines) line.close();
    await this.#endpoint.close();
  }

  async #answer(session: InviteServerSession): Promise<void> {
    const line = await MediaLine.open();
    this.#lines.push(line);
    const rtp = { address: HOST, port: line.port };
    const media: LocalMedia = {
      rtp,
      rtcp: { ...rtp, port: line.port + 1 },
      formats: DEFAULT_FORMATS.slice(0, 1),
    };
    line.remote = (await session.accept(media)).rtp;
    const hangUp = (): Promise<void> => session.end({ status: 200, reason: 'OK' });
    this.#calls.set(session.request.uri.user, { line, hangUp });
  }
}
