import { expect, test, vi } from 'vitest';
import type { DatagramSocket } from '../../core/ports/datagram.ts';
import { SILENT_LOGGER, type Logger } from '../../core/ports/log.ts';
import { systemClock } from '../../telemetry/system-clock.ts';
import { openFastestNetwork } from './fastest.ts';
import { loadLinuxCalls } from './linux-calls.ts';
import { LinuxDatagramNetwork } from './linux-network.ts';
import { NodeDatagramNetwork } from './node-network.ts';
import { expedite, receiveWaiting } from './sleeping-network.ts';

function listening(): { readonly log: Logger; readonly warnings: string[] } {
  const warnings: string[] = [];
  const log = {
    ...SILENT_LOGGER,
    warn: (_fields: unknown, sentence: string) => warnings.push(sentence),
  };
  return { log, warnings };
}

test('where batched system calls load they are used, and elsewhere the log says what is used instead', async () => {
  const { log, warnings } = listening();
  const network = await openFastestNetwork(log, systemClock);
  const isLinux = !('unavailable' in (await loadLinuxCalls()));
  expect(network).toBeInstanceOf(isLinux ? LinuxDatagramNetwork : NodeDatagramNetwork);
  expect(warnings).toHaveLength(isLinux ? 0 : 1);
  await network.close();
});

test('without them node:dgram does the work, and the log says why', async () => {
  const { log, warnings } = listening();
  const unavailable = (): Promise<{ unavailable: string }> =>
    Promise.resolve({ unavailable: 'libc.so.6: cannot open shared object file' });
  const network = await openFastestNetwork(log, systemClock, {}, unavailable);
  expect(network).toBeInstanceOf(NodeDatagramNetwork);
  expect(warnings).toEqual([expect.stringContaining('node:dgram')]);
  await network.close();
});

test('an open network without sockets lets the process sleep', async () => {
  const calls = await loadLinuxCalls();
  if ('unavailable' in calls) return;
  let waits = 0;
  const counting = {
    ...calls,
    epollWait: (...numbers: Parameters<typeof calls.epollWait>) => {
      waits += 1;
      return calls.epollWait(...numbers);
    },
  };
  const network = new LinuxDatagramNetwork(counting, systemClock, { sleepMs: 1 });
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
  };
  await turns(5);
  expect(waits).toBe(0);
  const socket = await network.bind({ host: '127.0.0.1', port: 0, receive: () => undefined });
  await turns(5);
  expect(waits).toBeGreaterThan(0);
  socket.close();
  await turns(2);
  const before = waits;
  await turns(5);
  expect(waits).toBe(before);
  await network.close();
});

test('work that somebody waits for is not held up by the sleep, and the sleep comes back', async () => {
  const calls = await loadLinuxCalls();
  if ('unavailable' in calls) return;
  const sleeps: number[] = [];
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation((...args: unknown[]) => {
    sleeps.push(Number(args[3]));
    return 'timed-out';
  });
  const network = new LinuxDatagramNetwork(calls, systemClock, { sleepMs: 7 });
  await network.bind({ host: '127.0.0.1', port: 0, receive: () => undefined });
  const sleepNow = async (): Promise<number | undefined> => {
    sleeps.length = 0;
    await vi.waitUntil(() => sleeps.length > 0, { interval: 0 });
    return sleeps[0];
  };
  expect(await sleepNow()).toBe(7);
  const work = Promise.withResolvers<undefined>();
  expedite(network, work.promise);
  expect(await sleepNow()).toBeLessThan(1);
  work.reject(new Error('it failed'));
  await work.promise.catch(() => undefined);
  expect(await sleepNow()).toBe(7);
  await network.close();
  wait.mockRestore();
});

test('what waits in the sockets is received at once when that is asked for, also more than a turn takes', async () => {
  const calls = await loadLinuxCalls();
  if ('unavailable' in calls) return;
  const network = new LinuxDatagramNetwork(calls, systemClock, { sleepMs: 1 });
  const got: number[] = [];
  const bindOne = (): Promise<DatagramSocket> =>
    network.bind({
      host: '127.0.0.1',
      port: 0,
      receive: (data) => {
        got.push(data[0] ?? -1);
      },
    });
  const sockets = await Promise.all(Array.from({ length: 20 }, bindOne));
  const [sender] = sockets;
  for (let number = 0; number < 100; number += 1) {
    for (const { local } of sockets) sender?.send(Uint8Array.of(number), local);
  }
  // Not one turn of the event loop lies between.
  expect(got).toEqual([]);
  receiveWaiting(network);
  expect(got).toHaveLength(2_000);
  sender?.send(Uint8Array.of(7), sender.local);
  await network.close();
  receiveWaiting(network);
  expect(got).toHaveLength(2_000);
});

test('after the thread has stood still each datagram has the time at which it came', async () => {
  const calls = await loadLinuxCalls();
  if ('unavailable' in calls) return;
  const network = new LinuxDatagramNetwork(calls, systemClock, { sleepMs: 1 });
  const arrivalsUs: number[] = [];
  const receive = (_data: unknown, _from: unknown, arrivalUs: number): void => {
    arrivalsUs.push(arrivalUs);
  };
  const a = await network.bind({ host: '127.0.0.1', port: 0, receive });
  const b = await network.bind({ host: '127.0.0.1', port: 0, receive });
  b.connect(a.local);
  receiveWaiting(network);
  const beganUs = systemClock.monotonicUs();
  const standStill = (): void => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
  };
  standStill();
  a.send(Uint8Array.of(1), b.local);
  standStill();
  const betweenUs = systemClock.monotonicUs();
  standStill();
  b.send(Uint8Array.of(2), a.local);
  standStill();
  receiveWaiting(network);
  const [first = NaN, second = NaN] = arrivalsUs.toSorted((one, other) => one - other);
  expect(first).toBeGreaterThan(beganUs + 30_000);
  expect(first).toBeLessThan(betweenUs - 30_000);
  expect(second).toBeGreaterThan(betweenUs + 30_000);
  expect(second).toBeLessThan(systemClock.monotonicUs() - 30_000);
  await network.close();
});
