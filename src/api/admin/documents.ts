import { Type } from 'typebox';
import type { RecordingContent } from '../../core/ports/call-service.ts';
import type { Logger } from '../../core/ports/log.ts';
import { documentIdOf } from '../content/content-routes.ts';
import { sendContent } from '../content/send-content.ts';
import type { Routes } from '../routes.ts';

const Params = Type.Object({ document: Type.String() });

/** `GET /admin/documents/{id}/peaks`: what the waveform of a file is drawn from. */
export function documentRoutes(
  routes: Routes,
  content: Pick<RecordingContent, 'peaks'>,
  log: Logger,
): void {
  routes.get(
    '/admin/documents/:document/peaks',
    { schema: { params: Params } },
    async (request, reply) => {
      const peaks = await content.peaks(documentIdOf(request.params.document));
      return sendContent(request, reply, peaks, log);
    },
  );
}
