import { createHash, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Application } from '../core/application.ts';

/** What an application proves itself with, beside a secret: the private half of this. */
export type ApplicationCertificate = {
  /** Hex in lower case, of the certificate's DER. */
  readonly sha256: string;
  /** `undefined`: only the thumbprint is known, and the assertion has to carry the certificate. */
  readonly known:
    | {
        /** Hex in lower case. */
        readonly sha1: string;
        readonly publicKey: KeyObject;
        readonly validFromMs: number;
        readonly validToMs: number;
      }
    | undefined;
};

/** An application with its credentials. Secret: never logged. */
export type RegisteredApplication = Application & {
  readonly secrets: readonly string[];
  readonly certificates: readonly ApplicationCertificate[];
};

type Held = {
  readonly application: Application;
  readonly secretDigests: readonly Buffer[];
  readonly certificates: readonly ApplicationCertificate[];
};

/** The applications that tokens are given to. Their secrets do not leave it. */
export class Applications {
  readonly #byId: ReadonlyMap<string, Held>;
  readonly #tenants: ReadonlySet<string>;

  constructor(applications: readonly RegisteredApplication[]) {
    this.#byId = new Map(applications.map((one) => [one.applicationId.toLowerCase(), held(one)]));
    this.#tenants = new Set(applications.map((one) => one.tenantId.toLowerCase()));
  }

  get(applicationId: string): Application | undefined {
    return this.#held(applicationId)?.application;
  }

  certificatesOf(applicationId: string): readonly ApplicationCertificate[] {
    return this.#held(applicationId)?.certificates ?? [];
  }

  hasTenant(tenantId: string): boolean {
    return this.#tenants.has(tenantId.toLowerCase());
  }

  /** Compares with every secret of the application, in constant time. */
  acceptsSecret(applicationId: string, secret: string): boolean {
    const given = digest(secret);
    const digests = this.#held(applicationId)?.secretDigests ?? [];
    return digests.map((one) => timingSafeEqual(one, given)).includes(true);
  }

  #held(applicationId: string): Held | undefined {
    return this.#byId.get(applicationId.toLowerCase());
  }
}

function held({ secrets, certificates, ...application }: RegisteredApplication): Held {
  return { application, secretDigests: secrets.map(digest), certificates };
}

/** Equal lengths whatever the secrets are. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
