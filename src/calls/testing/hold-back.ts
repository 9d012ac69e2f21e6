import { settled } from './fake-world.ts';

/** Holds the next call of `port[method]` back until the returned function is called. */
export function holdBack<Name extends string>(
  port: Record<Name, (...args: never[]) => Promise<unknown>>,
  method: Name,
): () => Promise<void> {
  const held = Promise.withResolvers<undefined>();
  const original = port[method];
  port[method] = async (...args) => {
    port[method] = original;
    await held.promise;
    return original.apply(port, args);
  };
  return async () => {
    held.resolve(undefined);
    await settled();
  };
}
