import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** A figure that is read when somebody asks for the metrics. */
export type MetricSource = {
  /** Prometheus name, with unit: `tapedeck_live_calls`. */
  readonly name: string;
  readonly help: string;
  /** One value, or one for each value of `label`. */
  readonly read: () => Promise<number | ReadonlyMap<string, number>>;
  readonly label?: string;
};

/** Metrics of the process and of the given sources, as Prometheus reads them. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(sources: readonly MetricSource[]) {
    collectDefaultMetrics({ register: this.#registry });
    for (const source of sources) {
      new Gauge({
        name: source.name,
        help: source.help,
        labelNames: source.label === undefined ? [] : [source.label],
        registers: [this.#registry],
        async collect() {
          const value = await source.read();
          if (typeof value === 'number') {
            this.set(value);
            return;
          }
          this.reset();
          for (const [label, figure] of value)
            this.set({ [source.label ?? 'kind']: label }, figure);
        },
      });
    }
  }

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}
