import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { BroadcastChannel } from 'node:worker_threads';
import { writeReadyFile } from '../../../src/announce.ts';
import { parseConfiguration } from '../../../src/config/configuration.ts';
import { startServer } from '../../../src/server.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { TIME_LAPSE_CHANNEL, type LapseMessage } from './channel.ts';

/**
 * `tapedeck start` with one media worker whose time can be moved on: takes the same arguments, and
 * `POST /?ms=` on the port that TIME_LAPSE_PORT names, answered when the time has gone by.
 */

const configuration = parseConfiguration(process.argv.slice(3), process.env, (path) =>
  readFileSync(path, 'utf8'),
);
const server = await startServer(
  { ...configuration, 'media-workers': 1 },
  createLogger(configuration['log-level']),
  { mediaEntry: new URL('media-entry.ts', import.meta.url) },
);

const channel = new BroadcastChannel(TIME_LAPSE_CHANNEL);
let lapsed: () => void = () => undefined;
channel.onmessage = (event) => {
  if ((event as { data: LapseMessage }).data.kind === 'lapsed') lapsed();
};
const control = createServer((request, response) => {
  lapsed = () => response.end();
  const lapseMs = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('ms'));
  channel.postMessage({ kind: 'lapse', lapseMs } satisfies LapseMessage);
});
// Four hours take longer than a request may by default.
control.requestTimeout = 0;
control.listen(Number(process.env['TIME_LAPSE_PORT']), '127.0.0.1');

process.once('SIGTERM', () => {
  control.close();
  control.closeAllConnections();
  channel.close();
  void server.close();
});
await writeReadyFile(configuration['ready-file'] ?? '', server.ready);
