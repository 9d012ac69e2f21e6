import type { Output } from './verb.ts';
import { sizeText } from './table.ts';

const REDRAW_MS = 100;
const BAR_CELLS = 24;
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const ERASE_LINE = '\r\x1b[K';

/** A line that is drawn again and again, on a terminal's standard error only; nothing where it is piped. */
export class Progress {
  readonly #output: Output | undefined;
  readonly #label: string;
  readonly #totalBytes: number | undefined;
  readonly #startedMs: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #drawnMs = -Infinity;

  /** @param totalBytes `undefined`: how long it takes is all that is known. */
  constructor(output: Output, label: string, totalBytes: number | undefined) {
    this.#output = output.isTTY === true ? output : undefined;
    this.#label = label;
    this.#totalBytes = totalBytes;
    this.#startedMs = performance.now();
    if (this.#output === undefined || totalBytes !== undefined) return;
    this.#timer = setInterval(() => {
      this.#draw();
    }, REDRAW_MS);
    this.#draw();
  }

  /** More was done. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (performance.now() - this.#drawnMs >= REDRAW_MS) this.#draw();
  }

  /** Takes the line away: what was achieved is said by others. Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#drawnMs >= 0) this.#output?.write(ERASE_LINE);
    this.#drawnMs = -Infinity;
  }

  #draw(): void {
    if (this.#output === undefined) return;
    this.#drawnMs = performance.now();
    const seconds = (this.#drawnMs - this.#startedMs) / 1000;
    const line = progressLine(this.#label, this.#bytes, this.#totalBytes, seconds);
    // Never longer than the line, which could not be erased then.
    this.#output.write(ERASE_LINE + line.slice(0, (this.#output.columns ?? 80) - 1));
  }
}

/** `call.wav  ██████▌       27 %  12.3 MiB of 45.1 MiB  4.1 MiB/s`, or the seconds that it took. */
export function progressLine(
  label: string,
  bytes: number,
  totalBytes: number | undefined,
  seconds: number,
): string {
  if (totalBytes === undefined) return `${label}  ${seconds.toFixed(0)} s`;
  const share = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
  const eighths = Math.round(share * BAR_CELLS * 8);
  const bar = '█'.repeat(Math.floor(eighths / 8)) + (PARTS[eighths % 8] ?? '');
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  const rate = sizeText(Math.round(bytes / Math.max(0.1, seconds)));
  const amounts = `${sizeText(bytes)} of ${sizeText(totalBytes)}`;
  return `${label}  ${bar.padEnd(BAR_CELLS)} ${percent} %  ${amounts}  ${rate}/s`;
}
