/**
 * The fraction of two whole numbers, the first of which is at most `most`, that is nearest to
 * `numerator` / `denominator`: found along its continued fraction, the last step of which is cut short.
 */
export function nearestFraction(
  numerator: number,
  denominator: number,
  most: number,
): readonly [numerator: number, denominator: number] {
  let [above, below] = [numerator, denominator];
  let [lastTop, lastBottom, top, bottom] = [0, 1, 1, 0];
  const distance = (a: number, b: number): number => Math.abs(a * denominator - b * numerator) / b;
  while (below > 0) {
    const whole = Math.floor(above / below);
    const step = Math.min(whole, Math.floor((most - lastTop) / top));
    const nextTop = step * top + lastTop;
    const nextBottom = step * bottom + lastBottom;
    if (step < whole) {
      const isNearer = distance(nextTop, nextBottom) < distance(top, bottom);
      return isNearer ? [nextTop, nextBottom] : [top, bottom];
    }
    [lastTop, lastBottom, top, bottom] = [top, bottom, nextTop, nextBottom];
    [above, below] = [below, above - whole * below];
  }
  return [top, bottom];
}
