/** A value, or a named defect of the input: what every parser of network bytes returns. */
export type Parsed<T, D extends string> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly defect: D };

export function parsed<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function defect<D extends string>(name: D): { readonly ok: false; readonly defect: D } {
  return { ok: false, defect: name };
}

/** Closes a switch over a union: a new member stops the build here. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value: ${JSON.stringify(value)}`);
}
