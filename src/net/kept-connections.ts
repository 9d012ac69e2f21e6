import { Agent as HttpAgent, type ClientRequestArgs, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** Receivers keep theirs for five seconds at least: Node's do. */
const IDLE_MS = 4_000;
/** To one place; as many as deliveries go there at once. */
const MOST_IDLE_PER_PLACE = 32;
/** To all places together. */
const MOST_IDLE = 256;

export type KeptOptions = RequestOptions & {
  /** The addresses that were checked: a connection serves those only who may go to the same ones. */
  readonly checkedAddresses: readonly string[];
};

class KeptHttp extends HttpAgent {
  override getName(options?: ClientRequestArgs): string {
    return `${super.getName(options)}:${addressesOf(options)}`;
  }
}

class KeptHttps extends HttpsAgent {
  override getName(options?: RequestOptions): string {
    return `${super.getName(options)}:${addressesOf(options)}`;
  }
}

/** Connections that stay open for a moment after their request, for the next one to the same place. */
export class KeptConnections {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor() {
    const options = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: MOST_IDLE_PER_PLACE };
    this.#http = new KeptHttp(options);
    this.#https = new KeptHttps(options);
  }

  /** The agent for requests with `KeptOptions`; false when so many are idle that no more are to be kept. */
  agentFor(protocol: string): HttpAgent | false {
    if (idleOf(this.#http) + idleOf(this.#https) >= MOST_IDLE) return false;
    return protocol === 'https:' ? this.#https : this.#http;
  }
}

function addressesOf(options: ClientRequestArgs | undefined): string {
  const { checkedAddresses = [] } = (options ?? {}) as Partial<KeptOptions>;
  return checkedAddresses.join();
}

function idleOf({ freeSockets }: HttpAgent): number {
  return Object.values(freeSockets).reduce((sum, sockets) => sum + (sockets?.length ?? 0), 0);
}
