import type { Clock } from '../../core/ports/clock.ts';
import type { ChunkRecord } from '../../core/records.ts';
import type { SignedLinks } from '../../identity/signed-links.ts';
import { isoTime } from './page.ts';

export type LinkServices = {
  readonly clock: Clock;
  readonly links: SignedLinks;
  /** What links begin with, without a slash at the end. */
  readonly publicUrl: () => string;
};

const LAST_WORD = { content: 'video', metadata: 'acsmetadata' } as const;

/** A link that reads one document without credentials until it expires. */
export function documentLink(
  { clock, links, publicUrl }: LinkServices,
  chunk: Pick<ChunkRecord, 'documentId'>,
  what: keyof typeof LAST_WORD,
  lifetimeSeconds: number,
): { readonly url: string; readonly expiresAt: string } {
  const path = `/v1/objects/${chunk.documentId}/content/${LAST_WORD[what]}`;
  return {
    url: publicUrl() + links.sign(path, lifetimeSeconds),
    expiresAt: isoTime(clock.nowMs() + lifetimeSeconds * 1000),
  };
}
