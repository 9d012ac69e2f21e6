import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerClient } from '@azure/storage-blob';
import { judge } from './judge.ts';
import type { CallForLane, LaneMessage } from './protocol.ts';
import { ALICE, BOB, type Stage } from './stage.ts';
import { FAILED, type Outcome, PASSED } from './lane-result.ts';
import { ABSENT, REFUSED_MP4, type Step } from './steps.ts';
import type { LaneDriver } from './suite.ts';

/** A file is ready well within a second; the rest is for a machine that does something else. */
const FILE_EVENT_MS = 10_000;

/** A time in which both phones spoke and the lane waited, on the clock of this process. */
export type Speech = { readonly fromMs: number; readonly toMs: number };

/** What happened in the call that the lane has now. */
export type CallOfLane = {
  readonly callConnectionId: string;
  readonly serverCallId: string;
  readonly container: ContainerClient;
  readonly containerUrl: string;
  readonly connectedMs: number;
  readonly speeches: Speech[];
};

/** One lane from its first message to its last: gives it calls and events, and judges its steps. */
export class LaneRun implements LaneDriver<LaneMessage, Step> {
  readonly outcomes: Map<Step, Outcome> = new Map<Step, Outcome>();
  /** Why steps failed, a line each. */
  readonly failures: string[] = [];
  readonly #stage: Stage;
  readonly #output: string;
  readonly #lacks: ReadonlySet<Step>;
  #call: CallOfLane | undefined;
  #fileEventMs = FILE_EVENT_MS;

  /** @param lacks steps for which this version has no option, as far as is known. */
  constructor(stage: Stage, name: string, lacks: readonly Step[]) {
    this.#stage = stage;
    this.#output = join(stage.directory, name);
    this.#lacks = new Set(lacks);
  }

  async answer(message: LaneMessage): Promise<unknown> {
    if ('ask' in message) {
      if (message.ask === 'call') return this.#connect();
      if (message.ask === 'speech') return this.#speak(message.ms);
      return this.#fileEvent(message.recordingId);
    }
    if ('done' in message) await this.#judge(message.done, message.evidence);
    else if ('failed' in message) this.#fail(message.failed, message.message);
    else if ('absent' in message) this.#absent(message.absent);
    else this.#refused(message);
    return undefined;
  }

  async close(): Promise<void> {
    if (this.#call !== undefined) await this.#stage.hangUp(this.#call);
    this.#call = undefined;
  }

  /** The event's data, or `error`, with which the lane's step fails. */
  async #fileEvent(recordingId: string): Promise<unknown> {
    try {
      const event = await this.#stage.events.next(
        'RecordingFileStatusUpdated',
        ({ data }) => data['recordingId'] === recordingId,
        this.#fileEventMs,
      );
      return event.data;
    } catch {
      // A server that makes no files is not waited for again and again.
      this.#fileEventMs = 1_000;
      return { error: 'RecordingFileStatusUpdated did not come' };
    }
  }

  async #connect(): Promise<CallForLane> {
    await this.close();
    await mkdir(this.#output, { recursive: true });
    const callbackUrl = `${this.#stage.events.url}callbacks`;
    const container = await this.#stage.azurite.createContainer();
    const containerUrl = this.#stage.azurite.sasUrl(container.containerName);
    const { callConnectionId, serverCallId } = await this.#stage.connect(callbackUrl);
    const ids = { callConnectionId, serverCallId };
    const connectedMs = performance.now();
    this.#call = { ...ids, container, containerUrl, connectedMs, speeches: [] };
    return { ...ids, callbackUrl, containerUrl, alice: ALICE, bob: BOB, output: this.#output };
  }

  async #speak(ms: number): Promise<void> {
    const fromMs = performance.now();
    await delay(ms);
    this.#call?.speeches.push({ fromMs, toMs: performance.now() });
  }

  async #judge(step: Step, evidence: Parameters<typeof judge>[1]): Promise<void> {
    try {
      await judge(step, evidence, { stage: this.#stage, call: this.#call });
      this.outcomes.set(step, PASSED);
    } catch (error) {
      this.#fail(step, error instanceof Error ? error.message : String(error));
    }
  }

  #absent(step: Step): void {
    if (this.#lacks.has(step)) this.outcomes.set(step, ABSENT);
    else this.#fail(step, 'the lane did not find the option that this version has');
  }

  #refused({ refused, status, code }: { refused: Step; status: number; code: string }): void {
    if (status === 400 && code === '8562') this.outcomes.set(refused, REFUSED_MP4);
    else this.#fail(refused, `refused with ${status}/${code} instead of 400/8562`);
  }

  #fail(step: Step, why: string): void {
    this.outcomes.set(step, FAILED);
    this.failures.push(`${step}: ${why.replaceAll(/\s+/g, ' ').slice(0, 500)}`);
  }
}
