import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createHttpServers } from './api/http-servers.ts';
import { Repeatability } from './api/repeatability.ts';
import { Addresses, inUrl, loopbackOf } from './addresses.ts';
import { Calls } from './calls/calls.ts';
import { shownCredentials } from './config/client-credentials.ts';
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
import { NotificationTokens } from './identity/notification-tokens.ts';
import { SignedIds } from './identity/signed-ids.ts';
import { DerivedResponseTokens } from './identity/response-tokens.ts';
import { SignedLinks } from './identity/signed-links.ts';
import { SigningKeys } from './identity/signing-keys.ts';
import { DiskReserve } from './journal/disk-reserve.ts';
import { nodeDisk, openCachingDisk } from './journal/node-disk.ts';
import { AddressPolicy } from './net/address-policy.ts';
import { GuardedHttp } from './net/guarded-http.ts';
import { SystemResolver } from './net/host-resolver.ts';
import { Prompts } from './prompts/prompts.ts';
import { SpeechCommand } from './prompts/speech-command.ts';
import { Hairpin } from './sim/hairpin.ts';
import { createSimPhones } from './sim/sim-phones.ts';
import { NodeDatagramNetwork } from './sip/node-datagram-network.ts';
import { nodeLocalAddressFor } from './sip/node-local-address.ts';
import { createNodeResolveHost } from './sip/node-resolve-host.ts';
import { NodeStreamNetwork } from './sip/node-stream-network.ts';
import { NodeTlsNetwork } from './sip/node-tls-network.ts';
import { createSipServer } from './sip/server.ts';
import { ContainerAccesses } from './storage/azure/container-access.ts';
import { FileBlobStore } from './storage/file-blob-store.ts';
import { AudioSockets } from './streaming/audio-sockets.ts';
import { byFamily, callSettings, topicOf, workerCounts } from './derived-settings.ts';
import { metricSources } from './metric-sources.ts';
import type { RunningServer } from './running-server.ts';
import { dataPaths, prepareDataDirectory } from './start-paths.ts';
import { tlsFiles } from './tls-files.ts';
import { tokenParts } from './token-parts.ts';
import { Metrics } from './telemetry/metrics.ts';
import { systemClock } from './telemetry/system-clock.ts';
import { systemRandom } from './telemetry/system-random.ts';
import { streamMetrics } from './stream-metrics.ts';
import { trunkMetrics } from './trunk-metrics.ts';
import { DatabaseWorker } from './workers/database-worker.ts';
import { MediaWorkers } from './workers/media-workers.ts';
import { PromptWorker } from './workers/prompt-worker.ts';
import { RenderWorkers } from './workers/render-workers.ts';
import { WorkerContainers } from './workers/worker-containers.ts';
import { VERSION } from './version.ts';

/** Running HTTP answers, downloads among them, may take so long after the calls are over. */
const HTTP_CLOSE_MS = 5_000;
const RESERVE_BYTES = 32 * 1024 * 1024;

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
  const workers = workerCounts(configuration, availableParallelism());

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
  const notificationTokens = new NotificationTokens(
    await SigningKeys.open(join(paths.keys, 'notifications.json'), clock, log),
    configuration['notification-issuer'],
    clock,
    random,
  );
  const tls = await tlsFiles(configuration, paths.tls, addresses.certifiedNames, { clock, random });

  const blobs = await FileBlobStore.open(await openCachingDisk(), paths.blobs);
  const logLevel = configuration['log-level'];
  const render = new RenderWorkers(
    workers.render,
    {
      logLevel,
      blobDirectory: paths.blobs,
      storageAccounts: configuration.storageAccounts,
      allowPrivateUrls: configuration['allow-private-urls'],
    },
    { clock, log },
  );
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
      inBandTones: configuration['inband-dtmf'],
    },
    { clock, log, entry: replaced.mediaEntry },
  );
  opened.defer(() => media.close());

  const addressPolicy = new AddressPolicy(configuration['allow-private-urls']);
  const resolver = new SystemResolver(clock);
  const sender = new GuardedHttp(addressPolicy, resolver, clock);
  const tokens = await tokenParts(configuration, {
    keysDirectory: paths.keys,
    ownHosts: addresses.ownNames,
    publicUrl: () => addresses.publicUrl,
    sender,
    clock,
    random,
    log,
  });
  const audioSockets = new AudioSockets({ policy: addressPolicy, resolver, clock });
  opened.defer(() => audioSockets.close());
  const promptWorker = new PromptWorker({ clock, log });
  opened.defer(() => promptWorker.close());
  const speechCommand = configuration['speech-command'];
  const prompts = new Prompts({
    clock,
    sender,
    decode: (bytes) => promptWorker.decode(bytes),
    speech: speechCommand === undefined ? undefined : new SpeechCommand(speechCommand),
  });
  const containers = new WorkerContainers(
    new ContainerAccesses(configuration.storageAccounts, addressPolicy),
    render,
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
  const responseTokens = new DerivedResponseTokens(derivedKey(secret, 'responses'));
  const delivery: Delivery = new Delivery({
    clock,
    random,
    log,
    outbox,
    sender,
    signer: callbackTokens,
    notificationSigner: notificationTokens,
    responseTokens,
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
  const tlsPort = configuration['sip-tls-port'];
  const sip = await createSipServer(
    {
      hosts: configuration['sip-host'],
      port: configuration['sip-port'],
      externalAddresses: configuration['external-address'],
      product: `Tapedeck/${VERSION}`,
      users: configuration.users.map(({ name, password, number, secure }) => ({
        name,
        secret: password,
        number,
        secure,
      })),
      trunks: configuration.trunks,
      secureMedia: configuration['secure-media'],
      ...(tlsPort === false ? {} : { tlsPort }),
    },
    {
      clock,
      random,
      log,
      datagrams,
      streams,
      secureStreams: new NodeTlsNetwork({ ...tls.pem, authorities: tls.authorities }),
      resolveHost: createNodeResolveHost(),
      localAddressFor: nodeLocalAddressFor,
    },
  ).catch((error: unknown) => {
    const isOfTls = error instanceof TapedeckError && error.field === 'tlsPort';
    throw naming(isOfTls ? '--sip-tls-port' : '--sip-port', error);
  });
  listeners.sip = sip;
  const [sipAddress] = sip.addresses;
  if (sipAddress === undefined) throw new TapedeckError('internal', 'SIP has no address');
  const sipUri = `sip:${inUrl(sipAddress.address)}:${sipAddress.port}`;
  const [sipsAddress] = sip.tlsAddresses;
  const simsReach = loopbackOf(sipAddress.address);
  const sipHost =
    configuration['external-address'][0] ??
    (simsReach === sipAddress.address ? sipAddress.address : addresses.host);
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
      callMedia: media,
      prompts,
      audioSockets,
      signer: callbackTokens,
      render,
      blobs,
      responseTokens,
      containers,
      disk,
      signalling: sip,
      subscribersOf: (type) => subscriptions.matching(type),
      wakeDelivery: () => {
        delivery.wake();
      },
    },
    callSettings(configuration, {
      dataDirectory: paths.root,
      simulatedPhone: (rawId) => sims.uriOf(rawId.replace(/^4:/, '')),
      contentBaseUrl: () => addresses.contentBaseUrl,
      publicUrl: () => addresses.publicUrl,
      sipAddress: () => `${inUrl(sipHost)}:${sipAddress.port}`,
    }),
  );

  let state: 'starting' | 'up' | 'closing' = 'starting';
  const metrics = new Metrics([
    ...metricSources(calls, media),
    ...streamMetrics(calls.streams),
    ...trunkMetrics(calls.trunks),
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
      ...tokens,
      links,
      callbackTokens,
      notificationTokens,
      repeatability: new Repeatability(ledger),
      recordings: {
        omittedTypes: configuration['omitted-types'],
        maxChannels: configuration['unmixed-channels'],
        containers,
      },
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
      management: `http://${inUrl(loopbackOf(configuration['management-host']))}:${http.managementPort}`,
      sip: sipUri,
      sips:
        sipsAddress === undefined ? null : `sips:${inUrl(sipsAddress.address)}:${sipsAddress.port}`,
      rtpPorts: `${from}-${to}`,
      connectionString: addresses.connectionString(accessKeys[0] ?? ''),
      caFile: tls.caFile ?? null,
      application:
        tokens.tokenService === undefined
          ? null
          : (shownCredentials(configuration.applications) ?? null),
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

/** The room knows the address that it could not bind, the composition the option that named it. */
function naming(option: string, error: unknown): unknown {
  if (!(error instanceof TapedeckError)) return error;
  return new TapedeckError(error.code, `${option}: ${error.message}`, {
    field: option,
    cause: error.cause,
  });
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
