/** Each throws, naming what is wrong, if it does not hold; what it throws stands in the lane's report. */
export function given<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}

export function same<T>(value: T, expected: T, name: string): void {
  if (value !== expected)
    throw new Error(`${name}: ${String(value)} instead of ${String(expected)}`);
}

export function near(value: number, expected: number, within: number, name: string): void {
  atLeast(value, expected - within, name);
  atMost(value, expected + within, name);
}

export function atLeast(value: number, least: number, name: string): void {
  if (!(value >= least)) throw new Error(`${name}: ${value}, but at least ${least} is expected`);
}

export function atMost(value: number, most: number, name: string): void {
  if (!(value <= most)) throw new Error(`${name}: ${value}, but at most ${most} is expected`);
}
