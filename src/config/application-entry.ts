import { callRole, CALL_ROLES, type Application, type CallRole } from '../core/application.ts';
import {
  listOf,
  mapOf,
  scalar,
  type Fields,
  type FieldTexts,
  type Kind,
  type RawValue,
} from './kind.ts';
import * as kinds from './kinds.ts';

/** What an application's assertions are checked with. */
export type CertificateEntry =
  | { readonly pem: string }
  /** SHA-256 in hex, lower case, without colons. */
  | { readonly thumbprint: string }
  /** Path of a PEM file as it was written. */
  | { readonly file: string };

/** A client of the token service: a bot, or a program that drives the APIs with tokens. */
export type ApplicationEntry = Application & {
  /** Secret: never printed. */
  readonly secrets: readonly string[];
  readonly certificates: readonly CertificateEntry[];
};

/** The tenant of applications that name none. */
export const DEFAULT_TENANT_ID = '7a9edec0-0000-4000-8000-000000000001';

/**
 * The application of a server that nobody configured. Published, its secret too: it is there only
 * while HTTP is bound to loopback.
 */
export const DEVELOPMENT_APPLICATION: ApplicationEntry = {
  applicationId: '7a9edec0-0000-4000-8000-000000000002',
  tenantId: DEFAULT_TENANT_ID,
  name: 'development',
  roles: CALL_ROLES,
  callbackUri: undefined,
  callAutomation: true,
  operationStatus: 'camelCase',
  secrets: ['tapedeck-development-secret-that-everybody-knows'],
  certificates: [],
};

/** What the calls may know of it. */
export function withoutCredentials(entry: ApplicationEntry): Application {
  const { applicationId, tenantId, name, roles, callbackUri } = entry;
  const { callAutomation, operationStatus } = entry;
  return { applicationId, tenantId, name, roles, callbackUri, callAutomation, operationStatus };
}

const MIN_SECRET_LENGTH = 16;

const secret: Kind<string> = scalar(
  `text of at least ${MIN_SECRET_LENGTH} characters, such as from "openssl rand -base64 32"`,
  (value) => (/^[\x21-\x7e]{16,512}$/.test(value) ? value : undefined),
  'secret',
);

const certificate: Kind<CertificateEntry> = scalar(
  'a certificate in PEM, a path of one, or its SHA-256 thumbprint in hex',
  (value) => {
    if (value.startsWith('-----BEGIN')) return { pem: value };
    const hex = value.replaceAll(':', '').toLowerCase();
    if (/^[0-9a-f]{64}$/.test(hex)) return { thumbprint: hex };
    return value === '' || /[\r\n]/.test(value) ? undefined : { file: value };
  },
  'secret', // a private key may have been put here
);

const role: Kind<CallRole> = scalar(CALL_ROLES.join(' or '), callRole);

/** A GUID, or what another provider of tokens calls it. */
const clientId: Kind<string> = scalar('a GUID', (value) =>
  /^[A-Za-z0-9][\w.-]{0,127}$/.test(value) ? asId(value) : undefined,
);

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isGuid(text: string): boolean {
  return GUID.test(text);
}

function asId(text: string): string {
  return isGuid(text) ? text.toLowerCase() : text;
}

const guid: Kind<string> = scalar('a GUID', (value) =>
  isGuid(value) ? value.toLowerCase() : undefined,
);

type Written = {
  readonly id: string;
  readonly tenant: string;
  readonly name: string | undefined;
  readonly secrets: readonly string[];
  readonly certificates: readonly CertificateEntry[];
  readonly roles: readonly CallRole[];
  readonly callbackUri: string | undefined;
  readonly callAutomation: boolean;
  readonly operationStatus: 'camelCase' | 'PascalCase';
};

const none = { value: undefined, text: 'none' } as const;

const fields: Fields<Written> = {
  id: {
    kind: clientId,
    text: 'Client id. With `--token-issuer` also any name that the provider calls it by.',
  },
  tenant: {
    kind: guid,
    text: 'Tenant (directory) id.',
    fallback: { value: DEFAULT_TENANT_ID, text: `\`${DEFAULT_TENANT_ID}\`` },
  },
  name: {
    kind: kinds.text,
    text: 'What people and `bot` of routes call it.',
    fallback: { value: undefined, text: 'the id' },
  },
  secrets: {
    kind: listOf(secret, /\s+/),
    text: 'Client secrets; each is accepted, so that one can take the place of another. Never printed.',
    fallback: { value: [], text: 'none' },
  },
  certificates: {
    kind: listOf(certificate, /(?<=-----END CERTIFICATE-----)\s+/),
    text: 'What its assertions are signed with (RSA). With a thumbprint alone the client has to send the certificate along (`sendCertificateChain`). Paths start from the directory of the file.',
    fallback: { value: [], text: 'none' },
  },
  roles: {
    kind: listOf(role),
    text: 'Application permissions of Microsoft Graph that its tokens carry.',
    fallback: { value: [], text: 'none' },
  },
  callbackUri: {
    kind: kinds.httpUrl,
    text: 'Where it hears of incoming calls that a route gives to it.',
    fallback: none,
  },
  callAutomation: {
    kind: kinds.flag,
    text: 'Whether it gets tokens for the Call Automation API, which knows no roles.',
    fallback: { value: true, text: 'true' },
  },
  operationStatus: {
    kind: kinds.choice('camelCase', 'PascalCase'),
    text: '`status` of operations as `running`, as the service sends it, or as `Running`, without which the TypeScript, Java and Go SDKs lose it.',
    fallback: { value: 'camelCase', text: 'camelCase' },
  },
};

export const APPLICATION_TABLE: { readonly title: string; readonly fields: FieldTexts } = {
  title: 'applications',
  fields,
};

const asWritten = mapOf(fields);

export const applicationEntry: Kind<ApplicationEntry> = {
  expects: asWritten.expects,
  read: (value: RawValue, at: string) => {
    const { id, tenant, name, ...rest } = asWritten.read(value, at);
    return { ...rest, applicationId: id, tenantId: tenant, name: name ?? id };
  },
};
