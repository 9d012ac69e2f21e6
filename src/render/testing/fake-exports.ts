import type { LiveExport, LiveExports } from '../../core/ports/export.ts';

type Request = Parameters<LiveExports['begin']>[0];

export type FakeExport = {
  readonly request: Request;
  readonly grown: number[];
  state: 'open' | 'finishing' | 'done' | 'aborted';
  /** Ends a `finish` that waits. */
  answer: (isDone: boolean) => void;
};

/** Containers that take what they are given, once they are told to answer. */
export class FakeExports implements LiveExports {
  readonly begun: FakeExport[] = [];

  begin(request: Request): LiveExport {
    let answer: (isDone: boolean) => void = () => undefined;
    const answered = new Promise<boolean>((resolve) => (answer = resolve));
    const own: FakeExport = { request, grown: [], state: 'open', answer };
    this.begun.push(own);
    return {
      grown: (sizeBytes) => own.grown.push(sizeBytes),
      finish: async () => {
        own.state = 'finishing';
        const isDone = await answered;
        own.state = 'done';
        return isDone;
      },
      abort: () => {
        own.state = 'aborted';
        return Promise.resolve();
      },
    };
  }
}
