import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMs, rssKiB, threadsMs } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';
import { BOT_NUMBER, ResponseBot } from './responses/bot.ts';
import { CallersProcess } from './responses/generator.ts';
import type { CallBatch } from './responses/phones.ts';
import { verdictOf, type Verdict } from './responses/verdict.ts';

/** Work that goes on after the last notification. */
const SETTLE_MS = 300;
/** Who was not told of after this is lost. */
const NOTIFIED_MS = 10_000;
/** Resolution of the watch over the bot's loop. */
const WATCH_MS = 1;

export type BatchResult = {
  readonly verdicts: readonly Verdict[];
  /** Processor time of the server, from the first call to the last notification and a little after. */
  readonly serverMs: number;
  /** Of the callers' process. */
  readonly callersMs: number;
  /** Of the bot's, which is this one. */
  readonly botMs: number;
  readonly rssKiB: number;
  /** How late the callers ever were. */
  readonly lateMs: number;
  /** How late the bot's own loop ever was: its waits are that much too long at worst. */
  readonly botLateMs: number;
  /** Where the server's time went. */
  readonly threads: ReadonlyMap<string, number>;
  readonly complaints: readonly string[];
};

/** A server, a bot, and those who call it, batch by batch. */
export class ResponsesBench {
  readonly #server: ServerProcess;
  readonly #bot: ResponseBot;
  readonly #callers: CallersProcess;

  private constructor(server: ServerProcess, bot: ResponseBot, callers: CallersProcess) {
    this.#server = server;
    this.#bot = bot;
    this.#callers = callers;
  }

  /** @param profile where CPU profiles of the server's threads go. */
  static async open(profile: string | undefined): Promise<ResponsesBench> {
    const bot = await ResponseBot.open();
    const server = await ServerProcess.start({
      file: bot.configuration,
      ...(profile === undefined
        ? {}
        : { env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` } }),
    });
    await bot.connect(server.ready.http);
    const callers = await CallersProcess.open(
      server.ready.sip.replace('sip:', `sip:${BOT_NUMBER}@`),
    );
    return new ResponsesBench(server, bot, callers);
  }

  async run(batch: CallBatch): Promise<BatchResult> {
    const { pid } = this.#server;
    const watch = monitorEventLoopDelay({ resolution: WATCH_MS });
    watch.enable();
    const complaintsBefore = this.#bot.complaints.length;
    const threadsBefore = threadsMs(pid);
    const serverBeganMs = cpuMs(pid);
    const callersBeganMs = cpuMs(this.#callers.pid);
    const botBegan = process.cpuUsage();
    const { calls, lateMs } = await this.#callers.call(batch);
    const reached = calls.filter(({ byeUs }) => byeUs !== undefined);
    await this.#bot.told(new Set(reached.map(({ caller }) => caller)), NOTIFIED_MS);
    watch.disable();
    await delay(SETTLE_MS);
    const serverMs = cpuMs(pid) - serverBeganMs;
    const callersMs = cpuMs(this.#callers.pid) - callersBeganMs;
    const bot = process.cpuUsage(botBegan);
    const threads = new Map(
      [...threadsMs(pid)].map(([name, ms]) => [name, ms - (threadsBefore.get(name) ?? 0)] as const),
    );
    return {
      verdicts: calls.map((times) => verdictOf(times, this.#bot.take(times.caller))),
      serverMs,
      callersMs,
      botMs: (bot.user + bot.system) / 1000,
      rssKiB: rssKiB(pid),
      lateMs,
      botLateMs: watch.max / 1e6 - WATCH_MS,
      threads,
      complaints: this.#bot.complaints.slice(complaintsBefore),
    };
  }

  /** What the server has printed. */
  get output(): string {
    return this.#server.output;
  }

  async close(): Promise<void> {
    await this.#callers.close();
    await this.#server.stop();
    this.#bot.close();
  }
}
