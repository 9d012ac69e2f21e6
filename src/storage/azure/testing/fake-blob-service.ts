import { TapedeckError } from '../../../core/error.ts';
import type { HttpRequest, HttpResponse, HttpSender } from '../../../core/ports/http-sender.ts';

type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};

/** What a request comes to instead; `undefined` lets it pass. */
type Interference = (request: HttpRequest) => Promise<Answer | undefined> | Answer | undefined;

/**
 * As much of blob storage as we use, in memory: what a real one does is shown elsewhere, and here
 * it can be slow, wrong and gone at the right moment.
 */
export class FakeBlobService implements HttpSender {
  readonly requests: HttpRequest[] = [];
  readonly blobs: Map<string, Uint8Array> = new Map();
  readonly staged: Map<string, Map<string, Uint8Array>> = new Map();
  /** Most requests that were under way at a time. */
  mostAtATime = 0;
  interfere: Interference = () => undefined;
  #underWay = 0;
  #version = 0;

  async send(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    this.#underWay += 1;
    this.mostAtATime = Math.max(this.mostAtATime, this.#underWay);
    try {
      const { status, headers, body } = (await this.interfere(request)) ?? this.#answer(request);
      return { status, headers: headers ?? {}, body: body ?? new Uint8Array() };
    } finally {
      this.#underWay -= 1;
    }
  }

  /** For `interfere`: never answers, until the request is ended. */
  static silent(request: HttpRequest): Promise<never> {
    return new Promise((_resolve, reject) => {
      request.signal?.addEventListener('abort', () => reject(FakeBlobService.unreachable()));
    });
  }

  static unreachable(): TapedeckError {
    return new TapedeckError('destination-unreachable', 'Nobody is there.');
  }

  #answer(request: HttpRequest): Answer {
    const url = new URL(request.url);
    const blob = this.blobs.get(url.pathname);
    const body = Buffer.from(request.body as Uint8Array);
    if (request.method === 'PUT') return this.#put(url, body);
    if (blob === undefined) {
      return { status: 404, headers: { 'x-ms-error-code': 'BlobNotFound' } };
    }
    const etag = `"${this.#version}"`;
    if (request.method === 'HEAD') {
      return { status: 200, headers: { etag, 'content-length': String(blob.length) } };
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers['x-ms-range'] ?? '');
    const part = blob.subarray(Number(range?.[1]), Number(range?.[2]) + 1);
    return { status: 206, headers: { etag, 'content-length': String(part.length) }, body: part };
  }

  #put(url: URL, body: Uint8Array): Answer {
    const path = url.pathname;
    const blocks = this.staged.get(path) ?? new Map<string, Uint8Array>();
    this.staged.set(path, blocks);
    const operation = url.searchParams.get('comp');
    if (operation === 'block') {
      blocks.set(url.searchParams.get('blockid') ?? '', body);
      return { status: 201 };
    }
    this.#version += 1;
    if (operation === 'blocklist') {
      const ids = [
        ...Buffer.from(body)
          .toString()
          .matchAll(/<Latest>([^<]+)<\/Latest>/g),
      ];
      const parts = ids.map(([, id]) => blocks.get(id ?? '') ?? new Uint8Array());
      this.blobs.set(path, Buffer.concat(parts));
      this.staged.delete(path);
    } else {
      this.blobs.set(path, body);
    }
    return { status: 201 };
  }
}
