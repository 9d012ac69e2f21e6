import type { ServerProcess } from './server-process.ts';

export type Client = {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
};

/** An access token for the secret of an application; throws what the server says of a refusal. */
export async function requestToken(
  server: ServerProcess,
  client: Client,
  scope = 'https://graph.microsoft.com/.default',
): Promise<string> {
  const response = await fetch(`${server.ready.http}/${client.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: client.clientSecret,
      scope,
    }),
  });
  const body = (await response.json()) as {
    readonly access_token?: string;
    readonly error_description?: string;
  };
  if (body.access_token === undefined) throw new Error(body.error_description);
  return body.access_token;
}
