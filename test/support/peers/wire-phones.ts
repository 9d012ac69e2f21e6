import type { LocalMedia, RemoteMedia, SecurityPolicy } from '../../../src/core/media-format.ts';
import type { DatagramSocket } from '../../../src/core/ports/datagram.ts';
import { parseSipUri } from '../../../src/protocols/sip/uri.ts';
import { datagramOf, type PlannedPacket } from '../../../src/render/testing/packets.ts';
import { DEFAULT_FORMATS, SipEndpoint } from '../../../src/sip/endpoint.ts';
import { NodeDatagramNetwork } from '../../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../../src/sip/node-stream-network.ts';
import type { InviteClientSession } from '../../../src/sip/session/invite-client-session.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';

const HOST = '127.0.0.1';

/** One end of a call: the test decides what leaves its sockets, and sees what comes. */
export class WireLeg {
  readonly rtp: DatagramSocket;
  readonly rtcp: DatagramSocket;
  /** RTP that came, whole datagrams. */
  readonly received: Uint8Array[];
  readonly rtcpReceived: Uint8Array[];
  #remote: RemoteMedia | undefined;

  private constructor(
    rtp: DatagramSocket,
    rtcp: DatagramSocket,
    received: Uint8Array[],
    rtcpReceived: Uint8Array[],
  ) {
    this.rtp = rtp;
    this.rtcp = rtcp;
    this.received = received;
    this.rtcpReceived = rtcpReceived;
  }

  static async open(network: NodeDatagramNetwork): Promise<WireLeg> {
    const received: Uint8Array[] = [];
    const rtcpReceived: Uint8Array[] = [];
    const bind = (into: Uint8Array[]): Promise<DatagramSocket> =>
      network.bind({ host: HOST, port: 0, receive: (data) => into.push(Uint8Array.from(data)) });
    return new WireLeg(await bind(received), await bind(rtcpReceived), received, rtcpReceived);
  }

  /** Where the server takes this leg's media. */
  get remote(): RemoteMedia {
    if (this.#remote === undefined) throw new Error('the call is not up');
    return this.#remote;
  }

  set remote(remote: RemoteMedia) {
    this.#remote = remote;
  }

  send(datagram: Uint8Array): void {
    this.rtp.send(datagram, this.remote.rtp);
  }

  /** Sends each packet `arrivalUs` after `startUs` of the monotonic clock; resolves after the last. */
  async sendPlanned(packets: readonly PlannedPacket[], startUs: number): Promise<void> {
    for (const packet of packets.toSorted((a, b) => a.arrivalUs - b.arrivalUs)) {
      await until(startUs + packet.arrivalUs);
      this.send(datagramOf(packet));
    }
  }

  close(): void {
    this.rtp.close();
    this.rtcp.close();
  }
}

export type WireCall = {
  readonly caller: WireLeg;
  readonly callee: WireLeg;
  hangUp(): Promise<void>;
};

/** Both ends of calls through a server: SIP by our own stack, media as the test has it. */
export class WirePhones {
  readonly #endpoint: SipEndpoint;
  readonly #network = new NodeDatagramNetwork(systemClock);
  readonly #called = new Map<string, (leg: WireLeg) => void>();

  private constructor(endpoint: SipEndpoint) {
    this.#endpoint = endpoint;
    endpoint.onInvite = (session) => {
      void WireLeg.open(this.#network).then(async (leg) => {
        leg.remote = await session.accept(localOf(leg));
        this.#called.get(session.request.uri.user)?.(leg);
      });
    };
  }

  /** Keys of `tapedeck.yaml` that send calls to `9…` back to these phones, and record them. */
  static configuration(sipPort: number): Record<string, unknown> {
    return {
      trunks: [{ name: 'wire', uri: `sip:${HOST}:${sipPort}`, addresses: [HOST] }],
      routes: [{ to: '^9\\d+$', action: 'trunk', trunk: 'wire', record: {} }],
    };
  }

  static async open(sipPort: number): Promise<WirePhones> {
    const endpoint = await SipEndpoint.open(
      { hosts: [HOST], port: sipPort },
      {
        clock: systemClock,
        random: systemRandom,
        datagrams: new NodeDatagramNetwork(systemClock),
        streams: new NodeStreamNetwork(),
      },
    );
    return new WirePhones(endpoint);
  }

  /**
   * Resolves when both ends are up.
   * @param security of what the caller offers. Default plain.
   */
  async call(
    serverUri: string,
    number: string,
    security: SecurityPolicy = 'plain',
  ): Promise<WireCall> {
    const server = parseSipUri(serverUri);
    if (!server.ok) throw new Error(`not a SIP URI: ${serverUri}`);
    const called = new Promise<WireLeg>((resolve) => this.#called.set(number, resolve));
    const caller = await WireLeg.open(this.#network);
    const session = this.#endpoint.invite({
      uri: { ...server.value, user: number },
      from: { user: 'wire', host: HOST, displayName: '' },
      media: { ...localOf(caller), security },
    });
    caller.remote = await accepted(session);
    const callee = await called;
    return {
      caller,
      callee,
      hangUp: async () => {
        await session.end({ status: 200, reason: 'OK' });
        caller.close();
        callee.close();
      },
    };
  }

  async close(): Promise<void> {
    await this.#endpoint.close();
    await this.#network.close();
  }
}

/** Resolves at this time of the monotonic clock, or up to a millisecond later. */
export async function until(us: number): Promise<void> {
  // Who is late has to read its sockets, too.
  await new Promise((resolve) => setImmediate(resolve));
  for (;;) {
    const leftMs = (us - systemClock.monotonicUs()) / 1000;
    if (leftMs <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, Math.floor(leftMs))));
  }
}

function localOf(leg: WireLeg): LocalMedia {
  return { rtp: leg.rtp.local, rtcp: leg.rtcp.local, formats: DEFAULT_FORMATS.slice(0, 1) };
}

function accepted(session: InviteClientSession): Promise<RemoteMedia> {
  return new Promise((resolve, reject) => {
    session.onAccept = resolve;
    session.onEnd = (end) => {
      reject(new Error(`the call ended: ${end.status} ${end.reason}`));
    };
  });
}
