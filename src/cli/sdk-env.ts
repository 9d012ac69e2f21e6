import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { words } from './arguments.ts';
import { locateServer, type ServerLocation } from './server-location.ts';
import type { VerbContext } from './verb.ts';

/** What each SDK needs to reach the server, as lines for a shell to source. */
export async function printSdkEnvironment(context: VerbContext): Promise<void> {
  words(context.arguments.positional, []);
  const location = locateServer(context.arguments.options, context.env, context.readFile);
  const hosts = await hostsLine(location);
  const onlyHosts = context.arguments.own.has('hosts');
  if (onlyHosts) context.stdout.write(hosts === undefined ? '' : `${hosts}\n`);
  else context.stdout.write(sdkEnvironment(location, hosts));
}

/** `127.0.0.1 tapedeck.asm.skype.com`, or `undefined` when recordings are at the public URL. */
async function hostsLine(location: ServerLocation): Promise<string | undefined> {
  if (location.recordingHost === undefined) return undefined;
  const host = new URL(location.https).hostname.replace(/^\[|\]$/g, '');
  const address = isIP(host) === 0 ? await addressOf(host) : host;
  return `${address} ${location.recordingHost}`;
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch {
    return `<address of ${host}>`;
  }
}

export function sdkEnvironment(location: ServerLocation, hosts: string | undefined): string {
  const sections = [
    [
      '# What the Call Automation SDKs need to reach this server. Use it in a shell so:',
      '#   . <(npx tapedeck sdk-env)',
      `export COMMUNICATION_CONNECTION_STRING=${quoted(location.connectionString)}`,
    ],
  ];
  if (hosts !== undefined) {
    sections.push([
      '# Recordings are downloaded from this name. Add the line to the hosts file of each client',
      '# (/etc/hosts, or C:\\Windows\\System32\\drivers\\etc\\hosts); "tapedeck sdk-env --hosts" prints it alone:',
      `#   ${hosts}`,
      '# Where the hosts file cannot be changed, clients that honour proxy settings (the JavaScript',
      '# and Python SDKs by this variable) reach it through the server itself. Set it for the SDK’s',
      '# process only: this proxy leads to the server and nowhere else.',
      `#   export HTTPS_PROXY=${location.http}`,
    ]);
  }
  const { caFile, application } = location;
  if (application !== undefined) {
    sections.push([
      '# An application of this server, for the Graph SDKs and wherever a token takes the place of the',
      '# access key. Tell the credential to disable instance discovery: this authority is private.',
      `export AZURE_AUTHORITY_HOST=${quoted(location.https)}`,
      `export AZURE_TENANT_ID=${quoted(application.tenantId)}`,
      `export AZURE_CLIENT_ID=${quoted(application.clientId)}`,
      `export AZURE_CLIENT_SECRET=${quoted(application.clientSecret)}`,
    ]);
  }
  if (caFile === undefined) {
    sections.push([
      '# The server has a certificate of its own: whoever issued it has to be trusted.',
    ]);
  } else {
    const store = `${caFile.replace(/\.pem$/, '')}.p12`;
    sections.push(
      [`# The development CA, good for this server's own names only: ${caFile}`],
      [
        '# JavaScript (Node.js reads it when it starts)',
        `export NODE_EXTRA_CA_CERTS=${quoted(caFile)}`,
      ],
      [
        '# Python; both take the place of the usual bundle',
        `export REQUESTS_CA_BUNDLE=${quoted(caFile)}`,
        `export SSL_CERT_FILE=${quoted(caFile)}`,
      ],
      [
        '# Java; make the trust store once:',
        `#   keytool -importcert -noprompt -alias tapedeck -file ${quoted(caFile)} -keystore ${quoted(store)} -storetype PKCS12 -storepass changeit`,
        `#   export JAVA_TOOL_OPTIONS="-Djavax.net.ssl.trustStore=${store} -Djavax.net.ssl.trustStorePassword=changeit"`,
      ],
      [
        '# .NET on Linux takes SSL_CERT_FILE above; on Windows and macOS add the CA to the trust store:',
        `#   certutil -user -addstore Root ${quoted(caFile)}`,
        `#   security add-trusted-cert -k ~/Library/Keychains/login.keychain-db ${quoted(caFile)}`,
      ],
      ['# curl', `export CURL_CA_BUNDLE=${quoted(caFile)}`],
    );
  }
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** One word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
