import type { GrantDefect, GrantRequest } from '../../identity/token-service.ts';

/** One error as the vendor's token endpoint answers it (RFC 6749 §5.2). */
export type GrantError = {
  readonly status: 400 | 401 | 404 | 500 | 503;
  readonly error: string;
  /** The number behind `AADSTS`. */
  readonly code: number;
  readonly text: string;
};

/** What a message repeats of a request. */
const MAX_QUOTED_LENGTH = 200;

export function grantError(defect: GrantDefect, request: Partial<GrantRequest>): GrantError {
  const client = quoted(request.clientId);
  const tenant = quoted(request.tenant);
  const scope = quoted(request.scope);
  switch (defect) {
    case 'tenant-unspecific':
      return invalid(
        'invalid_request',
        50194,
        `Application ${client} belongs to one tenant; the endpoint ${tenant} names none. Use the one of its tenant.`,
      );
    case 'tenant-unknown':
      return invalid(
        'invalid_request',
        90002,
        `Tenant ${tenant} not found. No application here belongs to it; check the tenant's id.`,
      );
    case 'grant-type-missing':
      return missing('grant_type');
    case 'client-id-missing':
      return missing('client_id');
    case 'scope-missing':
      return missing('scope');
    case 'grant-type-unsupported':
      return invalid(
        'unsupported_grant_type',
        70003,
        `The app requested an unsupported grant type ${quoted(request.grantType)}. Only client_credentials is supported.`,
      );
    case 'application-unknown':
      return invalid(
        'unauthorized_client',
        700016,
        `Application with identifier ${client} was not found in the directory ${tenant}. It has to be in the server's applications, with this tenant.`,
      );
    case 'credential-missing':
      return refused(
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
      );
    case 'secret-wrong':
      return refused(
        7000215,
        `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value for app ${client}.`,
      );
    case 'assertion-type-unsupported':
      return missing('client_assertion_type');
    case 'assertion-malformed':
      return refused(50027, 'JWT token is invalid or malformed.');
    case 'assertion-key-unknown':
      return refused(
        700027,
        `The certificate used to sign the client assertion is not registered on application ${client}, or not valid now. [Reason - The key was not found.]`,
      );
    case 'assertion-signature-invalid':
      return refused(
        700027,
        'Client assertion failed signature validation. [Reason - The signature is not of the key; RS256 and PS256 are taken.]',
      );
    case 'assertion-of-another':
      return refused(
        700021,
        "Client assertion application identifier doesn't match 'client_id' parameter.",
      );
    case 'assertion-audience-wrong':
      return refused(
        700023,
        'Client assertion audience claim does not match this token endpoint or its issuer.',
      );
    case 'assertion-out-of-time':
      return refused(700024, 'Client assertion is not within its valid time range.');
    case 'assertion-replayed':
      return refused(
        700027,
        'Client assertion was not accepted. [Reason - Its jti was used before, in another assertion or from another address.]',
      );
    case 'scope-malformed':
      return invalid(
        'invalid_scope',
        70011,
        `The provided value for the input parameter 'scope' is not valid. The scope ${scope} does not name exactly one resource.`,
      );
    case 'scope-not-default':
      return invalid(
        'invalid_scope',
        1002012,
        `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
      );
    case 'resource-unknown':
      return invalid(
        'invalid_resource',
        500011,
        `The resource principal of the scope ${scope} was not found in the tenant ${tenant}. Tokens are given for https://graph.microsoft.com, https://communication.azure.com/ and this server's own names.`,
      );
    case 'resource-not-allowed':
      return invalid(
        'invalid_grant',
        501051,
        `Application ${client} is not assigned to a role for the resource of the scope ${scope}.`,
      );
  }
}

/** A parameter that is there twice (RFC 6749 §3.2). */
export function repeatedParameter(name: string): GrantError {
  return invalid(
    'invalid_request',
    9000411,
    `The request is not properly formatted. The parameter ${quoted(name)} is duplicated.`,
  );
}

export const TRANSIENT: GrantError = {
  status: 503,
  error: 'temporarily_unavailable',
  code: 90033,
  text: 'A transient error has occurred. Please try again.',
};

export function unsupportedFlow(): GrantError {
  return invalid(
    'unsupported_response_type',
    700054,
    'People do not sign in here; applications get their tokens by client_credentials.',
  );
}

export function invalidInstance(): GrantError {
  return invalid('invalid_instance', 50049, 'Unknown or invalid instance.');
}

function missing(parameter: string): GrantError {
  return invalid(
    'invalid_request',
    900144,
    `The request body must contain the following parameter: '${parameter}'.`,
  );
}

function refused(code: number, text: string): GrantError {
  return { status: 401, error: 'invalid_client', code, text };
}

function invalid(error: string, code: number, text: string): GrantError {
  return { status: 400, error, code, text };
}

/** Somebody's text in ours: no longer than it helps, and on one line. */
function quoted(text: string | undefined): string {
  return `'${(text ?? '').slice(0, MAX_QUOTED_LENGTH).replace(/[^\x20-\x7e]/g, '?')}'`;
}
