import { rename, writeFile } from 'node:fs/promises';
import { DEVELOPMENT_APPLICATION } from './config/application-entry.ts';
import type { Configuration } from './config/configuration.ts';
import { DEVELOPMENT_ACCESS_KEY } from './config/options.ts';
import { resolvesHere } from './net/resolves-here.ts';
import type { ReadyInformation, RunningServer } from './running-server.ts';
import { systemClock } from './telemetry/system-clock.ts';

/** Writes the ready file whole or not at all: whoever waits for it never reads half of it. */
export async function writeReadyFile(path: string, ready: ReadyInformation): Promise<void> {
  const unfinished = `${path}.${process.pid}.new`;
  await writeFile(unfinished, `${JSON.stringify(ready, null, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path);
}

/** What `start` prints: the addresses, what to mind, and the next command to try. */
export async function announcement(
  server: RunningServer,
  configuration: Configuration,
): Promise<string> {
  const { ready, recordingHost } = server;
  const lines = [
    `Tapedeck ${ready.version} is up.`,
    '',
    `  connection string  ${ready.connectionString}`,
    `  SIP                ${ready.sip} (UDP and TCP)`,
    ...(ready.sips === null ? [] : [`  SIPS               ${ready.sips} (TLS)`]),
    `  HTTP               ${ready.http}`,
    `  HTTPS              ${ready.https}`,
    `  management         ${ready.management}`,
    `  data               ${ready.dataDir}`,
  ];
  if (ready.caFile !== null) lines.push(`  CA to trust        ${ready.caFile}`);
  if (ready.application !== null) {
    const { clientId, tenantId } = ready.application;
    lines.push(`  application        ${clientId}, tenant ${tenantId}`);
  }
  lines.push('');
  if (configuration['access-key'].includes(DEVELOPMENT_ACCESS_KEY)) {
    lines.push('The access key is the published development key: for this machine only.');
  }
  const [published] = DEVELOPMENT_APPLICATION.secrets;
  if (published !== undefined && ready.application?.clientSecret === published) {
    lines.push(`The application's secret is published too: ${published}`);
  }
  if (recordingHost !== undefined && (await isHere(recordingHost, configuration))) {
    lines.push(`${recordingHost} resolves to this server: SDKs can download recordings from it.`);
  } else if (recordingHost !== undefined) {
    lines.push(
      `Warning: ${recordingHost} does not resolve to this server. SDKs from 1.6 on download recordings`,
      '  from that name only: add it to the hosts file of each client, or use the CONNECT proxy at',
      `  ${ready.http} (tapedeck sdk-env prints both).`,
    );
  }
  lines.push(...configuration.warnings.map((warning) => `Warning: ${warning}.`));
  lines.push('Next: npx tapedeck sdk-env   (what each SDK needs to reach this server)');
  return lines.join('\n');
}

async function isHere(host: string, configuration: Configuration): Promise<boolean> {
  const listenHost = configuration['http-host'];
  const externalAddresses = configuration['external-address'];
  const { result } = await resolvesHere(host, { listenHost, externalAddresses }, systemClock);
  return result === 'here';
}
