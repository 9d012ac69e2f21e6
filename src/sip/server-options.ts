import type { SecurityPolicy } from '../core/media-format.ts';
import type { EndpointLimits } from './endpoint.ts';
import type { AdmissionLimits } from './server-admission.ts';

export type SipUser = {
  /** User name in REGISTER, From and the credentials. */
  readonly name: string;
  readonly secret: string;
  /** E.164 number that reaches the user's phones. Default none. */
  readonly number?: string | undefined;
  /** Of the media of the user's phones. Default `allow`. */
  readonly secure?: SecurityPolicy;
};

export type SipTrunk = {
  readonly name: string;
  /** Next hop, a `sip:` or `sips:` URI. */
  readonly uri: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** IP addresses and CIDR ranges of its signalling. */
  readonly addresses: readonly string[];
  /** The same for media that comes from elsewhere than its SDP says. */
  readonly mediaAddresses: readonly string[];
  /** Of its media. Default `allow`. */
  readonly secure?: SecurityPolicy;
};

export type SipServerOptions = {
  /** Addresses to bind, one a family. */
  readonly hosts: readonly string[];
  /** UDP and TCP; 0 picks one that is free for both. */
  readonly port: number;
  /** TLS; 0 picks a free one. Default: nothing listens for TLS. */
  readonly tlsPort?: number | undefined;
  /** What Via, Contact and SDP carry instead of the bind, one a family. Default none. */
  readonly externalAddresses?: readonly string[];
  readonly users: readonly SipUser[];
  readonly trunks: readonly SipTrunk[];
  /** Of everybody's media; of this and what the user or trunk has, the strictest holds. Default `allow`. */
  readonly secureMedia?: SecurityPolicy;
  /** Of digest challenges. Default `tapedeck`. */
  readonly realm?: string;
  /** `Server` in answers to OPTIONS. Default `Tapedeck`. */
  readonly product?: string;
  readonly limits?: Partial<EndpointLimits & AdmissionLimits>;
};
