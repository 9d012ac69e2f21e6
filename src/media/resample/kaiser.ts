/**
 * Ideal interpolation (sinc) under a Kaiser window: the weight of a sample `distance` samples away.
 * @param reach samples on each side that have a weight.
 * @param beta shape: larger is flatter in the pass band and wider in transition.
 */
export function kaiserSinc(distance: number, reach: number, beta: number): number {
  const inside = 1 - (distance / reach) ** 2;
  if (inside <= 0) return 0;
  const window = besselI0(beta * Math.sqrt(inside)) / besselI0(beta);
  return distance === 0 ? 1 : (Math.sin(Math.PI * distance) / (Math.PI * distance)) * window;
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
