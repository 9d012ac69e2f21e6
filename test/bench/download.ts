/**
 * What a download costs: a recording of 100 MiB, made by the server in time-lapse, is read again
 * and again over TLS, in ranges of 1 MiB over four connections that stay open, and whole, with
 * signed requests; by turns the same file from nginx (Debian: nginx-light) with the same
 * certificate. CPU of every thread and child of each. One JSON line for each way of reading.
 *
 *   node test/bench/download.ts [--mib 100] [--reads 12] [--profile DIR]
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { runDownload } from './download/download-run.ts';

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '100' },
    reads: { type: 'string', default: '12' },
    profile: { type: 'string' },
  },
});
const mib = Number(values.mib);
const reads = Number(values.reads);
if (!(mib >= 1 && reads >= 1)) stop('--mib and --reads are numbers from 1');
if (process.platform !== 'linux') stop('this bench measures on Linux only');
if (spawnSync('nginx', ['-v']).status !== 0) {
  stop('nginx is not installed; this bench compares with it (Debian: apt-get install nginx-light)');
}

for (const result of await runDownload({
  sizeBytes: mib * 1024 * 1024,
  reads,
  profile: values.profile,
})) {
  const { mode, cpuSecondsPerGiB, nginxCpuSecondsPerGiB } = result;
  const line = {
    bench: 'download',
    mode,
    cpuSecondsPerGiB: round(cpuSecondsPerGiB),
    nginxCpuSecondsPerGiB: round(nginxCpuSecondsPerGiB),
    ratio: round(cpuSecondsPerGiB / nginxCpuSecondsPerGiB),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(0);

function round(value: number): number {
  return Number(value.toFixed(3));
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
