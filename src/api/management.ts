import type { RequestListener } from 'node:http';

export type ManagementSource = {
  /** `false` until all listeners are up and recovery has begun. */
  readonly isStarted: () => boolean;
  /** `undefined` when new calls are taken, else why not: draining, low disk, a worker is lost. */
  readonly notReady: () => string | undefined;
  /** Prometheus text, with its content type. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
};

/** Health for supervisors and metrics for Prometheus, on a listener of their own. */
export function managementHandler(source: ManagementSource): RequestListener {
  return (request, response) => {
    const answer = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(text);
    };
    const health = (problem: string | undefined): void => {
      const body =
        problem === undefined ? { status: 'ok' } : { status: 'failing', reason: problem };
      answer(problem === undefined ? 200 : 503, 'application/json', JSON.stringify(body));
    };
    request.resume();
    switch (request.method === 'GET' ? request.url?.split('?', 1)[0] : undefined) {
      case '/health/live':
        health(undefined);
        break;
      case '/health/started':
        health(source.isStarted() ? undefined : 'starting');
        break;
      case '/health/ready':
        health(source.isStarted() ? source.notReady() : 'starting');
        break;
      case '/metrics':
        source.metrics().then(
          ({ contentType, text }) => answer(200, contentType, text),
          () => answer(500, 'text/plain', 'metrics could not be collected'),
        );
        break;
      default:
        answer(404, 'text/plain', 'not found');
    }
  };
}
