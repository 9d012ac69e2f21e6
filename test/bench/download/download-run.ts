import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signedHeaders } from '../../support/admin-client.ts';
import { cpuMs } from '../../support/process-usage.ts';
import { ServerProcess } from '../../support/server-process.ts';
import { FileClient, RANGE_BYTES } from './file-client.ts';
import { makeLongRecording } from './long-recording.ts';
import { Nginx } from './nginx.ts';

export type Mode = 'ranges' | 'whole';

export type DownloadRun = {
  readonly sizeBytes: number;
  /** Times that the file is read, in each mode, from each of the two. */
  readonly reads: number;
  readonly profile: string | undefined;
};

export type DownloadResult = {
  readonly mode: Mode;
  readonly cpuSecondsPerGiB: number;
  readonly nginxCpuSecondsPerGiB: number;
};

const GIB = 1024 ** 3;
const MS_PER_SECOND = 1000;
/** Reads before any that count: code is compiled, the file is in the page cache. */
const WARM_UP_READS = 3;
/** Reads in a row from one server, so that neither's CPU is counted in ticks of a few. */
const READS_AT_ONCE = 4;

type Contender = { readonly pid: number; readonly client: FileClient; cpuMs: number };

/** The same file from the server and from nginx, by turns. */
export async function runDownload(run: DownloadRun): Promise<readonly DownloadResult[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'tapedeck-download-'));
  const dataDirectory = join(scratch, 'data');
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rm(scratch, { recursive: true, force: true }));

  const documentId = await makeLongRecording(dataDirectory, run.sizeBytes);
  const root = join(dataDirectory, 'blobs', 'recordings');
  const path = join(root, `${documentId}.wav`);
  const { size } = await stat(path);
  const server = await ServerProcess.start({
    dataDirectory,
    ...(run.profile !== undefined && {
      env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${run.profile}` },
    }),
  });
  opened.defer(async () => {
    await server.stop();
  });
  const tls = join(dataDirectory, 'tls');
  const nginx = await Nginx.start({
    root,
    certFile: join(tls, 'server.pem'),
    keyFile: join(tls, 'server-key.pem'),
  });
  opened.defer(() => nginx.stop());
  const ca = await readFile(server.ready.caFile ?? '');
  const ours: Contender = {
    pid: server.pid,
    client: new FileClient(
      new URL(`/v1/objects/${documentId}/content/video`, server.ready.https),
      size,
      ca,
      (url) => signedHeaders(server, 'GET', url, ''),
    ),
    cpuMs: 0,
  };
  const theirs: Contender = {
    pid: nginx.pid,
    client: new FileClient(new URL(`/${documentId}.wav`, nginx.url), size, ca, () => ({})),
    cpuMs: 0,
  };
  const contenders = [ours, theirs];
  opened.defer(() => {
    for (const { client } of contenders) client.close();
  });

  const wanted = await hashOfFile(path);
  for (const { client } of contenders) {
    if ((await hashOfRanges(client, size)) !== wanted) throw new Error('not the bytes of the file');
  }
  const results: DownloadResult[] = [];
  for (const mode of ['ranges', 'whole'] as const) {
    for (const { client } of contenders) await read(client, mode, WARM_UP_READS);
    for (const contender of contenders) contender.cpuMs = 0;
    for (let done = 0; done < run.reads; done += READS_AT_ONCE) {
      const reads = Math.min(READS_AT_ONCE, run.reads - done);
      // Turn about, so that neither is always the one that comes second.
      const order = (done / READS_AT_ONCE) % 2 === 0 ? contenders : contenders.toReversed();
      for (const contender of order) {
        const beforeMs = cpuMs(contender.pid);
        await read(contender.client, mode, reads);
        contender.cpuMs += cpuMs(contender.pid) - beforeMs;
      }
    }
    const perGiB = (ms: number): number => ms / MS_PER_SECOND / ((size * run.reads) / GIB);
    results.push({
      mode,
      cpuSecondsPerGiB: perGiB(ours.cpuMs),
      nginxCpuSecondsPerGiB: perGiB(theirs.cpuMs),
    });
  }
  return results;
}

async function read(client: FileClient, mode: Mode, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await client[mode]();
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function hashOfRanges(client: FileClient, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < sizeBytes; start += RANGE_BYTES) {
    await client.range(start, Math.min(start + RANGE_BYTES, sizeBytes) - 1, hash);
  }
  return hash.digest('hex');
}
