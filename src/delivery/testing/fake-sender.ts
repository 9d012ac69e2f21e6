import { TapedeckError } from '../../core/error.ts';
import type { HttpRequest, HttpResponse, HttpSender } from '../../core/ports/http-sender.ts';

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

type Answering = (request: HttpRequest) => Answer | 'unreachable' | 'silent';

/** Answers as it is told, and keeps what it was asked to send. */
export class FakeSender implements HttpSender {
  readonly requests: HttpRequest[] = [];
  answer: Answering;

  constructor(answer: Answering = () => ({ status: 200 })) {
    this.answer = answer;
  }

  send(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    const answer = this.answer(request);
    if (answer === 'unreachable') {
      return Promise.reject(new TapedeckError('destination-unreachable', 'connection refused'));
    }
    if (answer === 'silent') {
      return new Promise((_resolve, reject) => {
        request.signal?.addEventListener('abort', () => {
          reject(new TapedeckError('destination-unreachable', 'aborted'));
        });
      });
    }
    return Promise.resolve({
      status: answer.status,
      headers: answer.headers ?? {},
      body: new TextEncoder().encode(answer.body ?? ''),
    });
  }

  /** Ids of the events in the bodies, in order of sending. */
  eventIds(): readonly string[] {
    return this.requests.map((request) => {
      const body = JSON.parse(String(request.body)) as { id: string } | { id: string }[];
      return (Array.isArray(body) ? body[0]?.id : body.id) ?? '';
    });
  }
}
