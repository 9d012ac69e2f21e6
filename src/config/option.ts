import type { Kind } from './kind.ts';

export type Option<T> = {
  readonly kind: Kind<Exclude<T, undefined>>;
  readonly fallback: T;
  /** The default as people read it. */
  readonly fallbackText: string;
  /** Placeholder in the help: `--name <placeholder>`. */
  readonly placeholder: string;
  readonly text: string;
  /** May be given several times. */
  readonly repeatable?: true;
  /** Part of the contract, refused until it is built. */
  readonly unbuilt?: true;
};
