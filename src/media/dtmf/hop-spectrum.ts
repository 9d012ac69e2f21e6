/**
 * How much of a few frequencies is in a signal, in hops that do not overlap; every answer is about the last
 * two. The phase that turns between them tells how far a tone lies beside its frequency.
 */
export class HopSpectrum {
  readonly #frequenciesHz: readonly number[];
  readonly #hop: number;
  readonly #hopSeconds: number;
  /** One row of the hop's length for each frequency. */
  readonly #cosines: Float32Array;
  readonly #sines: Float32Array;
  /** Of each frequency: real and imaginary part of the hop that is filled, the last and the one before. */
  readonly #filling: Float64Array;
  readonly #newer: Float64Array;
  readonly #older: Float64Array;
  readonly #buffer: Int16Array;
  #filled = 0;
  #newerEnergy = 0;
  #olderEnergy = 0;

  constructor(sampleRateHz: number, hopMs: number, frequenciesHz: readonly number[]) {
    this.#frequenciesHz = frequenciesHz;
    this.#hop = Math.round((sampleRateHz * hopMs) / 1000);
    this.#hopSeconds = this.#hop / sampleRateHz;
    const size = frequenciesHz.length * this.#hop;
    this.#cosines = new Float32Array(size);
    this.#sines = new Float32Array(size);
    frequenciesHz.forEach((hz, index) => {
      for (let at = 0; at < this.#hop; at += 1) {
        const angle = (2 * Math.PI * hz * at) / sampleRateHz;
        this.#cosines[index * this.#hop + at] = Math.cos(angle);
        this.#sines[index * this.#hop + at] = Math.sin(angle);
      }
    });
    this.#filling = new Float64Array(2 * frequenciesHz.length);
    this.#newer = new Float64Array(2 * frequenciesHz.length);
    this.#older = new Float64Array(2 * frequenciesHz.length);
    this.#buffer = new Int16Array(this.#hop);
  }

  /** The last `push` completed a hop. */
  get isComplete(): boolean {
    return this.#filled === 0;
  }

  /** Mean square of both hops. */
  get power(): number {
    return (this.#newerEnergy + this.#olderEnergy) / (2 * this.#hop);
  }

  /** Takes samples up to the end of the hop or `to`; returns the index of the first that was not taken. */
  push(samples: Int16Array, from: number, to: number): number {
    const count = Math.min(to - from, this.#hop - this.#filled);
    for (let at = 0; at < count; at += 1) {
      this.#buffer[this.#filled + at] = samples[from + at] as number; // inside
    }
    this.#filled += count;
    if (this.#filled === this.#hop) this.#finish();
    return from + count;
  }

  /** Mean square of a frequency, measured over both hops as one: sharp, and only right for its very middle. */
  coherentPower(index: number): number {
    const real = this.#olderReal(index) + this.#turned(index, 0);
    const imaginary = this.#olderImaginary(index) + this.#turned(index, 1);
    return (real * real + imaginary * imaginary) / (2 * this.#hop * this.#hop);
  }

  /** Mean square of a tone near a frequency, with what it loses by lying beside it. */
  tonePower(index: number): number {
    const power = (this.#squared(this.#older, index) + this.#squared(this.#newer, index)) / 2;
    const beside = Math.PI * this.deviation(index) * this.#hertz(index) * this.#hopSeconds;
    const loss = Math.abs(beside) < 1e-6 ? 1 : Math.sin(beside) / beside;
    return (2 * power) / (this.#hop * this.#hop * loss * loss);
  }

  /** How far beside its frequency a tone lies, in parts of that. */
  deviation(index: number): number {
    const olderReal = this.#olderReal(index);
    const olderImaginary = this.#olderImaginary(index);
    const newerReal = this.#turned(index, 0);
    const newerImaginary = this.#turned(index, 1);
    const turn = Math.atan2(
      newerImaginary * olderReal - newerReal * olderImaginary,
      newerReal * olderReal + newerImaginary * olderImaginary,
    );
    return turn / (2 * Math.PI * this.#hopSeconds) / this.#hertz(index);
  }

  /** Power of the newer hop in units of the older one's. */
  change(index: number): number {
    return this.#squared(this.#newer, index) / (this.#squared(this.#older, index) + 1e-9);
  }

  #finish(): void {
    this.#filled = 0;
    const hop = this.#hop;
    const buffer = this.#buffer;
    let energy = 0;
    for (let at = 0; at < hop; at += 1) energy += (buffer[at] as number) * (buffer[at] as number);
    for (let index = 0; index < this.#frequenciesHz.length; index += 1) {
      let real = 0;
      let imaginary = 0;
      const row = index * hop;
      for (let at = 0; at < hop; at += 1) {
        const sample = buffer[at] as number; // inside, like the tables
        real += sample * (this.#cosines[row + at] as number);
        imaginary -= sample * (this.#sines[row + at] as number);
      }
      this.#filling[2 * index] = real;
      this.#filling[2 * index + 1] = imaginary;
    }
    this.#older.set(this.#newer);
    this.#newer.set(this.#filling);
    this.#olderEnergy = this.#newerEnergy;
    this.#newerEnergy = energy;
  }

  /** The newer hop as seen from the beginning of the older one: real part (0) or imaginary (1). */
  #turned(index: number, part: 0 | 1): number {
    const angle = -2 * Math.PI * this.#hertz(index) * this.#hopSeconds;
    const real = this.#newer[2 * index] as number; // one pair for each frequency
    const imaginary = this.#newer[2 * index + 1] as number;
    return part === 0
      ? real * Math.cos(angle) - imaginary * Math.sin(angle)
      : real * Math.sin(angle) + imaginary * Math.cos(angle);
  }

  #olderReal(index: number): number {
    return this.#older[2 * index] as number;
  }

  #olderImaginary(index: number): number {
    return this.#older[2 * index + 1] as number;
  }

  #squared(hop: Float64Array, index: number): number {
    return (hop[2 * index] as number) ** 2 + (hop[2 * index + 1] as number) ** 2;
  }

  #hertz(index: number): number {
    return this.#frequenciesHz[index] as number;
  }
}
