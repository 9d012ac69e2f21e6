import { availableParallelism } from 'node:os';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHttpServers } from './api/http-servers.ts';
import { Repeatability } from './api/repeatability.ts';
import { Addresses, inUrl } from './addresses.ts';
import { Calls } from './calls/calls.ts';
import type { Configuration } from './config/configuration.ts';
import { TapedeckError } from './core/error.ts';
import type { Logger } from './core/ports/log.ts';
import { lockDirectory } from './database/directory-lock.ts';
import { sqliteBuilder } from './database/sql-builder.ts';
import { SqlLedger } from './database/sql-ledger.ts';
import { SqlOutbox } from './database/sql-outbox.ts';
import { Delivery } from './delivery/delivery.ts';
import { Housekeeping } from './delivery/housekeeping.ts';
import { Subscriptions } from './delivery/subscriptions.ts';
import { AdminToken } from './identity/admin-token.ts';
import { CallbackTokens, makeSigningKey, VENDOR_ISSUER } from './identity/callback-tokens.ts';
import { derivedKey } from './identity/derived-key.ts';
import { HmacAuthenticator } from './identity/hmac-authenticator.ts';
import { loadOrCreateSecret } from './identity/secret-file.ts';
import { SignedIds } from './identity/signed-ids.ts';
import { SignedLinks } from './identity/signed-links.ts';
import { DiskReserve } from './journal/disk-reserve.ts';
import { nodeDisk } from './journal/node-disk.ts';
import { ensureDevelopmentTls } from './net/development-ca.ts';
import { AddressPolicy } from './net/address-policy.ts';
import { GuardedHttp } from './net/guarded-http.ts';
import { SystemResolver } from './net/host-resolver.ts';
import { Hairpin } from './sim/hairpin.ts';
import { createSimPhones } from './sim/sim-phones.ts';
import { NodeDatagramNetwork } from './sip/node-datagram-network.ts';
import { nodeLocalAddressFor } from './sip/node-local-address.ts';
import { createNodeResolveHost } from './sip/node-resolve-host.ts';
import { NodeStreamNetwork } from './sip/node-stream-network.ts';
import { createSipServer } from './sip/server.ts';
import { FileBlobStore } from './storage/file-blob-store.ts';
import { dataPaths, prepareDataDirectory } from './start-paths.ts';
import { Metrics } from './telemetry/metrics.ts';
import { systemClock } from './telemetry/system-clock.ts';
import { systemRandom } from './telemetry/system-random.ts';
import { DatabaseWorker } from './workers/database-worker.ts';
import { MediaWorkers } from './workers/media-workers.ts';
import { RenderWorkers } from './workers/render-workers.ts';
import { VERSION } from './version.ts';

/** Running HTTP answers, downloads among them, may take so long after the calls are over. */
const HTTP_CLOSE_MS = 5_000;
const RESERVE_BYTES = 32 * 1024 * 1024;

/** What a start wrote into the ready file, and prints (design §3). */
export type ReadyInformation = {
  readonly pid: number;
  readonly http: string;
  readonly https: string;
  readonly management: string;
  readonly sip: string;
  readonly rtpPorts: string;
  readonly connectionString: string;
  /** `null` with a certificate of the operator's. */
  readonly caFile: string | null;
  readonly dataDir: string;
  readonly version: string;
};

export type RunningServer = {
  readonly ready: ReadyInformation;
  /** What recording locations start with. */
  readonly contentBaseUrl: string;
  readonly recordingHost: string | undefined;
  /**
   * Takes no new calls, waits for those that are on (`--drain-seconds`, or until `hurry`), stores
   * what was recorded, closes everything (docs/closing-order.md). Idempotent.
   */
  close(hurry?: AbortSignal): Promise<void>;
};

/** Concrete parts that benches replace. */
export type ReplacedParts = {
  /** Module that runs in the media worker threads. */
  readonly mediaEntry?: URL;
};

/**
 * Starts everything. Rejects with a `TapedeckError` whose message is one clear line; nothing is
 * left open then.
 */
export async function startServer(
  configuration: Configuration,
  log: Logger,
  replaced: ReplacedParts = {},
): Promise<RunningServer> {
  // Closed in the reverse order of opening: see docs/closing-order.md.
  await using opened = new AsyncDisposableStack();
  const clock = systemClock;
  const random = systemRandom;
  const disk = nodeDisk;
  const paths = dataPaths(configuration['data-dir']);
  const addresses = new Addresses(configuration);
  const workers = workerCounts(configuration);

  await prepareDataDirectory(paths.root);
  const lock = lockDirectory(paths.root);
  opened.defer(() => {
    lock.release();
  });
  await takeReserve(configuration['min-free-bytes'], paths.root, paths.reserve, log);

  const database = await DatabaseWorker.open(paths.database, (error) => {
    // Nothing can be promised any more: a supervisor's restart recovers everything.
    log.error({ error }, 'the database thread died');
    process.exit(70);
  });
  opened.defer(() => database.close());
  const ledger = new SqlLedger(database, sqliteBuilder());
  const outbox = new SqlOutbox(database, sqliteBuilder(), random);

  const nodeId = await loadOrCreateSecret(join(paths.keys, 'node'), () => `node-${random.hex(4)}`);
  const secret = await loadOrCreateSecret(join(paths.keys, 'secret'), () => random.hex(32));
  const signingKey = await loadOrCreateSecret(join(paths.keys, 'callbacks.pem'), makeSigningKey);
  const ids = new SignedIds(nodeId, derivedKey(secret, 'ids'), random);
  const links = new SignedLinks(derivedKey(secret, 'links'), clock);
  const resourceId = configuration['resource-id'];
  const callbackTokens = await CallbackTokens.create(
    { privateKey: signingKey, issuer: VENDOR_ISSUER, resourceId },
    clock,
    random,
  );
  const tls = await tlsFiles(configuration, paths.tls, addresses);

  const blobs = await FileBlobStore.open(disk, paths.blobs);
  const logLevel = configuration['log-level'];
  const render = new RenderWorkers(workers.render, { logLevel, blobDirectory: paths.blobs }, log);
  opened.defer(() => render.close());
  const media = new MediaWorkers(
    workers.media,
    {
      nodeId,
      logLevel,
      rtpPorts: configuration['rtp-ports'],
      hosts: byFamily(configuration['sip-host']),
      reservePath: paths.reserve,
      flushMs: configuration['journal-flush'],
      syncMs: configuration['journal-sync'],
    },
    log,
    replaced.mediaEntry,
  );
  opened.defer(() => media.close());

  const addressPolicy = new AddressPolicy(configuration['allow-private-urls']);
  const sender = new GuardedHttp(
    addressPolicy,
    new SystemResolver(clock),
    clock,
  );
  const subscriptions: Subscriptions = new Subscriptions({
    clock,
    random,
    log,
    ledger,
    outbox,
    sender,
    topic: topicOf(resourceId),
    webhookOrigin: addresses.host,
    configured: configuration.events.map(({ timeToLive, ...event }) => ({
      ...event,
      timeToLiveMinutes: Math.round(timeToLive / 60_000),
    })),
    validationUrl: (name, code) =>
      `${addresses.publicUrl}/event-subscriptions/${name}/validate?code=${code}`,
    onActive: () => {
      delivery.wake();
    },
  });
  const delivery: Delivery = new Delivery({
    clock,
    random,
    log,
    outbox,
    sender,
    signer: callbackTokens,
    disk,
    deadLetterDirectory: paths.deadLetters,
    subscription: (name) => subscriptions.get(name),
    topic: topicOf(resourceId),
    webhookOrigin: addresses.host,
    soleDeliverer: true,
  });
  opened.defer(() => delivery.close());
  opened.defer(() => subscriptions.close());

  // Closed in another order than that of opening, also when one of them cannot be opened.
  const listeners: {
    http?: { close(deadlineMs: number): Promise<void> };
    sip?: { close(): Promise<void> };
    sims?: { close(): Promise<void> };
  } = {};
  opened.defer(() => listeners.http?.close(HTTP_CLOSE_MS));
  opened.defer(() => listeners.sip?.close());
  opened.defer(() => listeners.sims?.close());

  const datagrams = new NodeDatagramNetwork(clock);
  const streams = new NodeStreamNetwork();
  const sip = await createSipServer(
    {
      hosts: configuration['sip-host'],
      port: configuration['sip-port'],
      externalAddresses: configuration['external-address'],
      product: `Tapedeck/${VERSION}`,
      users: configuration.users.map(({ name, password, number }) => ({
        name,
        secret: password,
        number,
      })),
      trunks: configuration.trunks,
    },
    {
      clock,
      random,
      log,
      datagrams,
      streams,
      resolveHost: createNodeResolveHost(),
      localAddressFor: nodeLocalAddressFor,
    },
  ).catch((error: unknown) => {
    throw naming('--sip-port', error);
  });
  listeners.sip = sip;
  const [sipAddress] = sip.addresses;
  if (sipAddress === undefined) throw new TapedeckError('internal', 'SIP has no address');
  const sipUri = `sip:${inUrl(sipAddress.address)}:${sipAddress.port}`;
  const simsReach = loopbackOf(sipAddress.address);
  const sims = await createSimPhones(
    {
      phones: configuration.sim,
      users: configuration.users,
      serverUri: `sip:${inUrl(simsReach)}:${sipAddress.port}`,
      baseDirectory: configuration.baseDirectory,
    },
    {
      clock,
      random,
      log,
      datagrams: new Hairpin(datagrams, configuration['external-address'], simsReach),
      streams,
    },
  );

  listeners.sims = sims;

  const calls = new Calls(
    {
      clock,
      random,
      log,
      ids,
      ledger,
      media,
      render,
      blobs,
      disk,
      signalling: sip,
      subscribersOf: (type) => subscriptions.matching(type),
      wakeDelivery: () => {
        delivery.wake();
      },
    },
    {
      resourceId,
      dataDirectory: paths.root,
      routes: configuration.routes.map((route) => ({
        ...route,
        record: route.record && { retentionMs: route.record.retention },
      })),
      users: configuration.users,
      trunks: configuration.trunks,
      simulatedPhone: (rawId) => sims.uriOf(rawId.replace(/^4:/, '')),
      answerTimeoutMs: configuration['answer-timeout'],
      ringTimeoutMs: RING_TIMEOUT_MS,
      retentionMs: RETENTION_MS,
      minFreeBytes: configuration['min-free-bytes'],
      contentBaseUrl: () => addresses.contentBaseUrl,
    },
  );

  let state: 'starting' | 'up' | 'closing' = 'starting';
  const metrics = new Metrics([
    {
      name: 'tapedeck_live_calls',
      help: 'Calls that are not over.',
      read: async () => (await calls.calls()).length,
    },
    {
      name: 'tapedeck_active_recordings',
      help: 'Recordings that run.',
      read: async () =>
        (await calls.calls()).reduce((sum, call) => sum + call.activeRecordings.length, 0),
    },
    {
      name: 'tapedeck_media_packets',
      help: 'RTP packets since the start, received and sent.',
      label: 'direction',
      read: async () => {
        const workers = await media.statistics();
        return new Map([
          ['in', workers.reduce((sum, worker) => sum + worker.packetsIn, 0)],
          ['out', workers.reduce((sum, worker) => sum + worker.packetsOut, 0)],
        ]);
      },
    },
  ]);
  const accessKeys = configuration['access-key'];
  const http = await createHttpServers(
    {
      plain: { host: configuration['http-host'], port: configuration['http-port'] },
      tls: { host: configuration['http-host'], port: configuration['https-port'], ...tls.pem },
      management: {
        host: configuration['management-host'],
        port: configuration['management-port'],
      },
      ownNames: addresses.ownNames,
    },
    {
      calls,
      ids,
      hmac: new HmacAuthenticator({ accessKeys, ownHosts: addresses.ownNames }, clock, log),
      adminToken: new AdminToken(configuration['admin-token']),
      links,
      callbackTokens,
      repeatability: new Repeatability(ledger),
      admin: {
        ledger,
        outbox: {
          events: (page) => outbox.events(page),
          event: (eventId) => outbox.event(eventId),
          redeliver: (eventId) => delivery.redeliver(eventId),
        },
        subscriptions: {
          list: () => Promise.resolve(subscriptions.list()),
          put: (request) => subscriptions.create(request),
          remove: (name) => subscriptions.remove(name),
          confirm: (name, code) => subscriptions.completeManualValidation(name, code),
        },
        simulatedCallers: sims,
        clock,
      },
      permitsAddress: (address) => addressPolicy.permits(address),
      publicUrl: () => addresses.publicUrl,
      log,
    },
    {
      isStarted: () => state !== 'starting',
      notReady: () => (state === 'closing' ? 'the server is stopping' : undefined),
      metrics: () => metrics.text(),
    },
  );
  listeners.http = http;
  addresses.bound({ httpPort: http.plainPort, httpsPort: http.tlsPort });

  const housekeeping = new Housekeeping({ clock, log, ledger, outbox });
  opened.defer(() => housekeeping.close());

  await subscriptions.start();
  await delivery.start();
  const report = await calls.start();
  if (report.calls + report.recordings + report.orphans > 0) {
    log.warn({ ...report }, 'an earlier process ended without closing; its calls were recovered');
  }
  housekeeping.start();
  state = 'up';

  const { from, to } = configuration['rtp-ports'];
  const owned = opened.move();
  let closing: Promise<void> | undefined;
  return {
    ready: {
      pid: process.pid,
      http: addresses.http,
      https: addresses.https,
      management: `http://${configuration['management-host']}:${http.managementPort}`,
      sip: sipUri,
      rtpPorts: `${from}-${to}`,
      connectionString: addresses.connectionString(accessKeys[0] ?? ''),
      caFile: tls.caFile ?? null,
      dataDir: paths.root,
      version: VERSION,
    },
    contentBaseUrl: addresses.contentBaseUrl,
    recordingHost: addresses.recordingHost,
    close: (hurry) => {
      state = 'closing';
      closing ??= calls
        .drain(configuration['drain-seconds'] * 1000, hurry ?? new AbortController().signal)
        .finally(() => owned.disposeAsync());
      return closing;
    },
  };
}

/** How long a phone that we call may ring (reference §12.3, call set-up). */
const RING_TIMEOUT_MS = 85_000;
/** The vendor's built-in storage keeps recordings as long (reference §9.3). */
const RETENTION_MS = 24 * 3_600_000;

/** One media worker a core but one, which is for signalling and HTTP; rendering takes what is left. */
function workerCounts(configuration: Configuration): { media: number; render: number } {
  const cores = availableParallelism();
  return {
    media: configuration['media-workers'] ?? Math.max(1, cores - 1),
    render: configuration['render-workers'] ?? Math.max(1, Math.floor(cores / 2)),
  };
}

/** The room knows the address that it could not bind, the composition the option that named it. */
function naming(option: string, error: unknown): unknown {
  if (!(error instanceof TapedeckError)) return error;
  return new TapedeckError(error.code, `${option}: ${error.message}`, {
    field: option,
    cause: error.cause,
  });
}

function byFamily(hosts: readonly string[]): { readonly IPv4?: string; readonly IPv6?: string } {
  const IPv4 = hosts.find((host) => !host.includes(':'));
  const IPv6 = hosts.find((host) => host.includes(':'));
  return { ...(IPv4 === undefined ? {} : { IPv4 }), ...(IPv6 === undefined ? {} : { IPv6 }) };
}

/** Where a server that is bound to every address is reached from this machine. */
function loopbackOf(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

function topicOf(resourceId: string): string {
  return (
    '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local' +
    `/providers/microsoft.communication/communicationservices/${resourceId}`
  );
}

async function takeReserve(
  minFreeBytes: number,
  root: string,
  path: string,
  log: Logger,
): Promise<void> {
  try {
    const freeBytes = await nodeDisk.freeBytes(root);
    if (freeBytes < minFreeBytes + RESERVE_BYTES) {
      log.warn({ freeBytes, minFreeBytes }, 'little disk space is left; recordings may be refused');
      return;
    }
    await DiskReserve.take(nodeDisk, path, RESERVE_BYTES);
  } catch (error) {
    log.warn({ error }, 'no reserve could be taken of the disk');
  }
}

async function tlsFiles(
  configuration: Configuration,
  directory: string,
  addresses: Addresses,
): Promise<{
  readonly pem: { readonly cert: string; readonly key: string };
  readonly caFile: string | undefined;
}> {
  const certFile = configuration['tls-cert'];
  const keyFile = configuration['tls-key'];
  if (certFile !== undefined && keyFile !== undefined) {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    return { pem: { cert, key }, caFile: undefined };
  }
  const made = await ensureDevelopmentTls(directory, addresses.ownNames, systemClock, systemRandom);
  const [cert, key] = await Promise.all([
    readFile(made.certFile, 'utf8'),
    readFile(made.keyFile, 'utf8'),
  ]);
  return { pem: { cert, key }, caFile: made.caFile };
}
