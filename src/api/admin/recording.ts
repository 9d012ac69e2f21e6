import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { RecordingAdmin } from '../../core/ports/call-service.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { RenderFormat } from '../../core/ports/render.ts';
import type { ChunkRecord } from '../../core/records.ts';
import { DEFAULT_LINK_LIFETIME_SECONDS } from '../../identity/signed-links.ts';
import { type IdFields, oneOf } from '../acs/fields.ts';
import { NO_CONTENT, type Routes, send } from '../routes.ts';
import { documentLink, type LinkServices } from './document-links.ts';
import { toChunkBody, toDetailsBody } from './recording-models.ts';

/** Hours of many channels take their time; clients and proxies between us give up before that. */
const RENDER_ANSWER_MS = 20_000;

const Params = Type.Object({ recording: Type.String() });
const RenderBody = Type.Object({
  format: Type.String({ maxLength: 64 }),
  channels: Type.String({ maxLength: 64 }),
});

type Services = LinkServices & { readonly ids: IdFields; readonly log: Logger };

/** `GET` and `DELETE /admin/recordings/{id}`, `POST /admin/recordings/{id}/renderings`. */
export function recordingAdminRoutes(
  routes: Routes,
  admin: Omit<RecordingAdmin, 'audit'>,
  services: Services,
): void {
  const { ids, log, clock } = services;
  const schema = { params: Params };
  const path = '/admin/recordings/:recording';

  routes.get(path, { schema }, async (request) =>
    toDetailsBody(await admin.details(ids.recording(request.params.recording))),
  );

  routes.delete(path, { schema }, async (request, reply) => {
    await admin.removeRecording(ids.recording(request.params.recording), request.actor);
    return send(reply, NO_CONTENT);
  });

  // 200 with the documents, or 202 while they are made: whoever asks again waits for the same ones.
  routes.post(
    `${path}/renderings`,
    { schema: { ...schema, body: RenderBody } },
    async (request, reply) => {
      const recordingId = ids.recording(request.params.recording);
      const format = renderFormat(request.body);
      const rendering = admin.renderAgain(recordingId, format, request.actor);
      const documents = await within(rendering, RENDER_ANSWER_MS, clock);
      if (documents === undefined) {
        rendering.catch((error: unknown) => {
          log.error({ recordingId, error }, 'rendering another format failed');
        });
        return reply.code(202).send({ state: 'rendering' });
      }
      return { value: documents.map((chunk) => withLinks(chunk, services)) };
    },
  );
}

function withLinks(chunk: ChunkRecord, services: LinkServices): Record<string, unknown> {
  const content = documentLink(services, chunk, 'content', DEFAULT_LINK_LIFETIME_SECONDS);
  const metadata = documentLink(services, chunk, 'metadata', DEFAULT_LINK_LIFETIME_SECONDS);
  return {
    ...toChunkBody(chunk),
    contentUrl: content.url,
    metadataUrl: metadata.url,
    linksExpireAt: content.expiresAt,
  };
}

function renderFormat(body: { readonly format: string; readonly channels: string }): RenderFormat {
  const container = oneOf(['wav', 'mp3', 'mp4'] as const, body.format, 'format');
  const channels = oneOf(['mixed', 'unmixed'] as const, body.channels, 'channels');
  if (container !== 'mp4') return { container, channels };
  throw new TapedeckError(
    'recording-mode-unsupported',
    'Recording mode not supported: mp4 is not built yet; format has to be wav or mp3.',
    { field: 'format' },
  );
}

/** What `promise` resolves with, or `undefined` if it takes longer. */
async function within<T>(
  promise: Promise<T>,
  limitMs: number,
  clock: Clock,
): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = clock.setTimer(limitMs, () => {
    late.resolve(undefined);
  });
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    timer.cancel();
  }
}
