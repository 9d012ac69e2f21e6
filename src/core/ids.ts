/** Branded strings: one identifier cannot be passed for another. */
type Branded<Name extends string> = string & { readonly __brand: Name };

/** One bridge with its legs: what callers call "a call". Base64, see `IdCodec`. */
export type ServerCallId = Branded<'ServerCallId'>;
/** An application's hold on a call. */
export type CallConnectionId = Branded<'CallConnectionId'>;
export type RecordingId = Branded<'RecordingId'>;
/** Names a stored chunk: `0-td-1-<hex>`; safe in paths and URLs. */
export type DocumentId = Branded<'DocumentId'>;
/** One media path between us and a phone. Hex; internal. */
export type LegId = Branded<'LegId'>;
/** One SIP dialog, internal. */
export type SessionId = Branded<'SessionId'>;
/** What `answer`, `redirect` and `reject` name an offered call by. */
export type IncomingCallContext = Branded<'IncomingCallContext'>;

/**
 * Mints and reads the ids that callers see. They carry the owning node and a signature, so that
 * any node can route a request without a look-up.
 */
export interface IdCodec {
  serverCallId(): ServerCallId;
  callConnectionId(): CallConnectionId;
  recordingId(): RecordingId;
  /** The node that owns the id, or `undefined` if we did not sign it as an id of this kind. */
  ownerOf(kind: 'serverCall' | 'callConnection' | 'recording', id: string): string | undefined;
}

/**
 * Name of a chunk of a recording whose first chunk is `first`: that itself, then `<first>-1`,
 * `<first>-2`, … The same after a crash, so that no chunk is made twice under two names.
 */
export function chunkDocumentId(first: DocumentId, index: number): DocumentId {
  return index === 0 ? first : (`${first}-${index}` as DocumentId);
}
