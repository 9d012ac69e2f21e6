import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../core/manual-clock.ts';
import { SimulatedDisk } from '../../journal/testing/simulated-disk.ts';
import { AddressPolicy } from '../../net/address-policy.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { FileBlobStore } from '../file-blob-store.ts';
import { AzureContainers } from './azure-containers.ts';
import { ContainerAccesses } from './container-access.ts';
import { FakeBlobService } from './testing/fake-blob-service.ts';

const CONTAINER_URL = 'https://acme.blob.core.windows.net/calls?sp=rcw&sig=c2VjcmV0';
const content: Uint8Array = Uint8Array.from({ length: 1_500_000 }, (_, at) => (at * 7) & 0xff);

let service: FakeBlobService;
let clock: ManualClock;
let containers: AzureContainers;

beforeEach(async () => {
  service = new FakeBlobService();
  clock = new ManualClock();
  const blobs = await FileBlobStore.open(new SimulatedDisk(), '/blobs');
  const accesses = new ContainerAccesses([], new AddressPolicy([]));
  const tools = { sender: service, clock, random: systemRandom, blobs };
  containers = new AzureContainers(accesses, tools);
  const writer = await blobs.open('recordings/one.wav', 0);
  await writer.append(content);
  await writer.commit();
});

/** Lets time pass until the work is done, but not while the SDK is loaded for it. */
async function passing(work: Promise<void>): Promise<void> {
  const state = { isDone: false };
  const note = (): void => {
    state.isDone = true;
  };
  work.then(note, note);
  while (!state.isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    if (service.requests.length > 0) clock.advance(1_000);
  }
  await work;
}

const copied = (): Promise<void> =>
  containers.copy(CONTAINER_URL, 'f/one.wav', 'recordings/one.wav', 'audio/wav');

describe('a copy of a file that is whole', () => {
  test('may take long as long as it goes on', async () => {
    service.interfere = () =>
      new Promise((resolve) => {
        clock.setTimer(25_000, () => resolve(undefined));
      });
    await passing(copied());
    expect(clock.monotonicUs()).toBeGreaterThan(150_000_000);
    const stored = service.blobs.get('/calls/f/one.wav') ?? new Uint8Array();
    expect(Buffer.compare(stored, content)).toBe(0);
  });

  test('is given up when nothing gets through for a minute', async () => {
    service.interfere = (request) => FakeBlobService.silent(request);
    await expect(passing(copied())).rejects.toMatchObject({ code: 'destination-unreachable' });
    expect(clock.monotonicUs()).toBeLessThan(120_000_000);
    expect(service.requests[0]?.signal?.aborted).toBe(true);
  });

  test('is a mismatch when the container holds other bytes', async () => {
    service.interfere = (request) => {
      if (request.method === 'HEAD') service.blobs.get('/calls/f/one.wav')?.fill(0, 1_499_000);
      return undefined;
    };
    await expect(copied()).rejects.toMatchObject({ code: 'blob-mismatch' });
  });
});

test('a small blob that the container keeps otherwise is a mismatch', async () => {
  service.interfere = (request) => {
    if (request.method === 'HEAD') service.blobs.get('/calls/f/one.json')?.fill(0);
    return undefined;
  };
  await expect(
    containers.put(CONTAINER_URL, 'f/one.json', Buffer.from('{}'), 'application/json'),
  ).rejects.toMatchObject({ code: 'blob-mismatch' });
});
