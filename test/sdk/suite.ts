import type { LaneCommand } from './lane-process.ts';
import type { LaneResult, Outcome } from './lane-result.ts';

/** One program with one version of an SDK. */
export type Lane<Stage> = Omit<LaneResult<never>, 'steps'> & {
  /** Also of what it downloads. */
  readonly name: string;
  /** Installs the SDK where it is not there yet, and says how the lane is run against the stage. */
  prepare(stage: Stage): Promise<LaneCommand>;
};

/** What all lanes of a suite share: a server, and who calls. */
export interface LaneStage extends AsyncDisposable {
  /** Of what lanes download. */
  readonly directory: string;
  readonly server: { readonly output: string };
}

/** One lane from its first message to its last. */
export interface LaneDriver<Message, Step extends string> {
  readonly outcomes: ReadonlyMap<Step, Outcome>;
  /** Why steps failed, a line each. */
  readonly failures: readonly string[];
  answer(message: Message): Promise<unknown>;
  close(): Promise<void>;
}

/** Lanes that do the same, step by step, and make one table of docs/compatibility.md. */
export type Suite<Stage extends LaneStage, Message, Step extends string> = {
  /** File of the committed results. */
  readonly results: URL;
  /** In the order of the table. */
  readonly steps: readonly Step[];
  readonly lanes: readonly Lane<Stage>[];
  /** @param keep leave the directory with what was downloaded. */
  open(keep: boolean): Promise<Stage>;
  drive(stage: Stage, lane: Lane<Stage>): LaneDriver<Message, Step>;
};
