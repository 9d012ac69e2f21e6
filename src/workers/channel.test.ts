import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import type { MessageEnd } from '../core/ports/worker-channel.ts';
import { ChannelClient, inProcessPair, serveChannel } from './channel.ts';

type Pair = { readonly ends: readonly [MessageEnd, MessageEnd]; readonly close: () => void };

/** Both forms of the channel keep the same promises. */
const FORMS: readonly (readonly [string, () => Pair])[] = [
  [
    'between threads',
    () => {
      const { port1, port2 } = new MessageChannel();
      const close = (): void => port1.close();
      return { ends: [endOf(port1), endOf(port2)], close };
    },
  ],
  ['in one thread', () => ({ ends: inProcessPair(), close: () => undefined })],
];

function endOf(port: MessagePort): MessageEnd {
  return {
    postMessage: (message) => port.postMessage(message),
    on: (event, listener) => {
      port.on(event, listener);
    },
    close: () => port.close(),
  };
}

describe.each(FORMS)('a channel %s', (_name, open) => {
  let pair: Pair;
  afterEach(() => {
    pair.close();
  });

  function connect(
    methods: Record<string, (...args: never[]) => Promise<unknown>>,
    onEvent: (name: string, args: readonly unknown[]) => void = () => undefined,
  ): { client: ChannelClient; emit: ReturnType<typeof serveChannel> } {
    pair = open();
    const emit = serveChannel(pair.ends[1], methods);
    return { client: new ChannelClient(pair.ends[0], onEvent), emit };
  }

  test('gives each request its own reply, in whatever order they come', async () => {
    const waiting: (() => void)[] = [];
    const { client } = connect({
      later: (value: string) => new Promise((resolve) => waiting.push(() => resolve(value))),
      now: (value: string) => Promise.resolve(value),
    });
    const later = client.request<string>('later', 'a');
    expect(await client.request('now', 'b')).toBe('b');
    waiting[0]?.();
    expect(await later).toBe('a');
  });

  test('carries an error with its code and field, and any other as internal', async () => {
    const { client } = connect({
      refuse: () =>
        Promise.reject(new TapedeckError('argument-invalid', 'no', { field: 'targets' })),
      break: () => Promise.reject(new RangeError('oops')),
    });
    await expect(client.request('refuse')).rejects.toMatchObject({
      code: 'argument-invalid',
      field: 'targets',
      message: 'no',
    });
    await expect(client.request('break')).rejects.toMatchObject({ code: 'internal' });
    await expect(client.request('missing')).rejects.toMatchObject({ code: 'internal' });
  });

  test('hands over copies: the receiver cannot change what the sender holds', async () => {
    const { client } = connect({
      change: (list: number[]) => {
        list.push(4);
        return Promise.resolve(list);
      },
    });
    const list = [1, 2, 3];
    expect(await client.request('change', list)).toEqual([1, 2, 3, 4]);
    expect(list).toEqual([1, 2, 3]);
  });

  test('brings events with their arguments', async () => {
    const seen = new Promise((resolve) => {
      const { emit } = connect({}, (name, args) => resolve([name, args]));
      emit('legSilent', 'leg', 20_000);
    });
    expect(await seen).toEqual(['legSilent', ['leg', 20_000]]);
  });

  test('that failed rejects what waits and everything after', async () => {
    const { client } = connect({ hang: () => new Promise(() => undefined) });
    const waiting = client.request('hang');
    client.fail('the worker died');
    await expect(waiting).rejects.toMatchObject({ code: 'worker-failed' });
    await expect(client.request('hang')).rejects.toThrow('the worker died');
  });
});
