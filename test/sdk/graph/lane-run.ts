import { join } from 'node:path';
import type { Notification } from '../../support/notification-receiver.ts';
import { FAILED, type Outcome, PASSED } from '../lane-result.ts';
import type { LaneDriver } from '../suite.ts';
import type { Caller } from './caller.ts';
import { judgeDownload, judgeEnd, judgeNotification, judgeOperation } from './judge.ts';
import type { CallForLane, CompletedForLane, GraphEvidence, GraphMessage } from './protocol.ts';
import type { GraphStage } from './stage.ts';
import type { GraphStep } from './steps.ts';

/** What happened in the call that the lane has. */
export type CallOfLane = {
  readonly caller: Caller;
  readonly callId: string;
  readonly callbackPath: string;
  /** Resolves when the caller has heard the prompt and the beep; then it speaks. */
  heard?: Promise<void>;
  operationId?: string;
  /** Of the end of the operation. */
  completed?: Notification;
};

/** One lane from its first message to its last: a phone calls it, and its steps are judged. */
export class GraphLaneRun implements LaneDriver<GraphMessage, GraphStep> {
  readonly outcomes: Map<GraphStep, Outcome> = new Map<GraphStep, Outcome>();
  readonly failures: string[] = [];
  readonly #stage: GraphStage;
  readonly #name: string;
  #call: CallOfLane | undefined;

  constructor(stage: GraphStage, name: string) {
    this.#stage = stage;
    this.#name = name;
  }

  async answer(message: GraphMessage): Promise<unknown> {
    if ('ask' in message) {
      if (message.ask === 'call') return this.#incoming();
      return this.#completed(message.operationId);
    }
    if ('done' in message) await this.#judge(message.done, message.evidence);
    else this.#fail(message.failed, message.message);
    return undefined;
  }

  async close(): Promise<void> {
    await this.#call?.caller.close();
    this.#call = undefined;
  }

  async #incoming(): Promise<CallForLane> {
    const { hook, promptUri, directory } = this.#stage;
    const { caller, callId } = await this.#stage.incoming();
    const callbackPath = `/callbacks/${this.#name}`;
    this.#call = { caller, callId, callbackPath };
    const callbackUri = `${hook.url}${callbackPath}`;
    return { callId, callbackUri, promptUri, output: join(directory, `${this.#name}.wav`) };
  }

  async #judge(step: GraphStep, evidence: GraphEvidence): Promise<void> {
    try {
      await this.#judged(step, evidence, this.#callOfLane());
      this.outcomes.set(step, PASSED);
    } catch (error) {
      this.#fail(step, error instanceof Error ? error.message : String(error));
    }
  }

  async #judged(step: GraphStep, evidence: GraphEvidence, call: CallOfLane): Promise<void> {
    switch (step) {
      case 'answer':
        await this.#established(call);
        call.heard = call.caller.listen().then(async (heard) => {
          await call.caller.speak();
          return heard;
        });
        // What went wrong is found when the operation is judged, which waits for it.
        call.heard.catch(() => undefined);
        return;
      case 'recordResponse':
        call.operationId = evidence.operationId ?? '';
        return judgeOperation(evidence, call);
      case 'download':
        return judgeDownload(evidence, call, this.#stage);
      case 'hangUp':
        return judgeEnd(call, this.#stage);
      case 'notification':
        throw new Error('the driver judges the notification itself');
    }
  }

  async #established({ callId, callbackPath }: CallOfLane): Promise<void> {
    await this.#stage.hook.next(`the answer of ${callId}`, ({ path, resourceData }) => {
      const { audio } = (resourceData['mediaState'] ?? {}) as { readonly audio?: string };
      const isOfCall = resourceData['id'] === callId && path === callbackPath;
      return isOfCall && resourceData['state'] === 'established' && audio === 'active';
    });
  }

  /** Of the notification, or `error`, with which the lane ends. */
  async #completed(operationId: string): Promise<CompletedForLane | { readonly error: string }> {
    const call = this.#callOfLane();
    try {
      const notification = await this.#stage.hook.next(
        `the end of ${operationId}`,
        ({ resourceData }) => resourceData['id'] === operationId,
      );
      call.completed = notification;
      judgeNotification(notification, call);
      this.outcomes.set('notification', PASSED);
      return notification.resourceData as unknown as CompletedForLane;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#fail('notification', why);
      return { error: why };
    }
  }

  #callOfLane(): CallOfLane {
    if (this.#call === undefined) throw new Error('the lane has no call');
    return this.#call;
  }

  #fail(step: GraphStep, why: string): void {
    this.outcomes.set(step, FAILED);
    this.failures.push(`${step}: ${why.replaceAll(/\s+/g, ' ').slice(0, 500)}`);
  }
}
