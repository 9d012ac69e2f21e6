import type { GrantRequest } from '../../identity/token-service.ts';

export type GrantForm = Pick<
  GrantRequest,
  'grantType' | 'clientId' | 'clientSecret' | 'clientAssertionType' | 'clientAssertion' | 'scope'
>;

const KNOWN = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion_type',
  'client_assertion',
  'scope',
] as const;

/**
 * The form of a token request (RFC 6749 appendix B), or the name of a parameter that is in it
 * twice. What nobody knows (SDKs send telemetry along) is left aside.
 *
 * @param authorization with the client's id and secret, where they are not in the form (§2.3.1).
 */
export function readGrantForm(
  body: unknown,
  authorization: string | undefined,
): GrantForm | { readonly repeated: string } {
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : '';
  const form = new URLSearchParams(text);
  const repeated = KNOWN.find((name) => form.getAll(name).length > 1);
  if (repeated !== undefined) return { repeated };
  const field = (name: (typeof KNOWN)[number]): string | undefined => form.get(name) || undefined;
  const basic = basicCredentials(authorization);
  return {
    grantType: field('grant_type'),
    clientId: field('client_id') ?? basic?.id,
    clientSecret: field('client_secret') ?? basic?.secret,
    clientAssertionType: field('client_assertion_type'),
    clientAssertion: field('client_assertion'),
    scope: field('scope'),
  };
}

function basicCredentials(
  authorization: string | undefined,
): { readonly id: string; readonly secret: string } | undefined {
  const encoded = /^Basic\s+([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colonAt = text.indexOf(':');
  if (colonAt < 0) return undefined;
  return { id: decoded(text.slice(0, colonAt)), secret: decoded(text.slice(colonAt + 1)) };
}

/** Both halves are form-encoded before they are put together. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
