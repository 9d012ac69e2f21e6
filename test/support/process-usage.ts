import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Of Linux on all our platforms (`getconf CLK_TCK`). */
const TICK_MS = 10;

/** User and system time of a process so far: all threads, and its children, live or waited for. */
export function cpuMs(pid: number): number {
  // After the name, which may hold anything, in brackets: fields 3 and on of proc(5).
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
  return liveChildren(pid).reduce((sum, child) => sum + cpuMs(child), own);
}

function liveChildren(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  );
}

/** Memory of a process that is in RAM. */
export function rssKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Milliseconds of processor time by thread, as `[name and id, ms]`: where the time went. */
export function threadsMs(pid: number): ReadonlyMap<string, number> {
  const threads = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim();
    const [nanoseconds] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    threads.set(`${name} ${thread}`, Number(nanoseconds) / 1_000_000);
  }
  return threads;
}

/** Lets all threads of a process run on one core only. */
export function pin(pid: number, core: number): void {
  const run = spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)]);
  if (run.status !== 0) throw new Error(`taskset failed: ${run.stderr.toString()}`);
}
