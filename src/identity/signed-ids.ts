import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { CallConnectionId, IdCodec, RecordingId, ServerCallId } from '../core/ids.ts';
import type { Random } from '../core/ports/random.ts';

type Kind = Parameters<IdCodec['ownerOf']>[0];
type Parts = { readonly node: string; readonly random: string; readonly signature: string };

const RANDOM_BYTES = 16;
/** 128 bits: nobody guesses one, and the ids stay short. */
const SIGNATURE_BYTES = 16;
/** Longer ones are not ours; keeps decoding cheap. */
const MAX_ID_LENGTH = 512;
const NODE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Ids in the shapes that SDK users know: a `serverCallId` is the base64 of a
 * URL, a `recordingId` that of a small JSON object. Each names its node and is signed, so that
 * whoever holds the key can tell without a look-up where it lives.
 */
export class SignedIds implements IdCodec {
  readonly #node: string;
  readonly #key: KeyObject;
  readonly #random: Random;

  /** @param node name of this node: a DNS label in lower case. */
  constructor(node: string, key: Uint8Array, random: Random) {
    if (!NODE_NAME.test(node)) throw new TypeError(`not a node name: ${node}`);
    this.#node = node;
    this.#key = createSecretKey(key);
    this.#random = random;
  }

  serverCallId(): ServerCallId {
    const { node, random, signature } = this.#mint('serverCall');
    const url = `https://${node}.tapedeck/calls/${random}?s=${signature}`;
    return Buffer.from(url).toString('base64') as ServerCallId;
  }

  callConnectionId(): CallConnectionId {
    const { node, random, signature } = this.#mint('callConnection');
    return Buffer.from(`${node}/${random}/${signature}`).toString('base64url') as CallConnectionId;
  }

  recordingId(): RecordingId {
    const { node, random, signature } = this.#mint('recording');
    const json = JSON.stringify({
      PlatformEndpointId: node,
      ResourceSpecificId: random,
      s: signature,
    });
    return Buffer.from(json).toString('base64url') as RecordingId;
  }

  ownerOf(kind: Kind, id: string): string | undefined {
    if (id.length > MAX_ID_LENGTH) return undefined;
    const parts = PARSERS[kind](id);
    if (parts === undefined) return undefined;
    const expected = this.#sign(kind, parts.node, parts.random);
    const given = Buffer.from(parts.signature, 'base64url');
    if (given.length !== SIGNATURE_BYTES || !timingSafeEqual(given, expected)) return undefined;
    return parts.node;
  }

  #mint(kind: Kind): Parts {
    const random = this.#random.hex(RANDOM_BYTES);
    const signature = this.#sign(kind, this.#node, random).toString('base64url');
    return { node: this.#node, random, signature };
  }

  #sign(kind: Kind, node: string, random: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(`${kind}\n${node}\n${random}`)
      .digest()
      .subarray(0, SIGNATURE_BYTES);
  }
}

const SERVER_CALL_URL =
  /^https:\/\/([a-z0-9-]{1,63})\.tapedeck\/calls\/([0-9a-f]{32})\?s=([\w-]{22})$/;
const CONNECTION_TEXT = /^([a-z0-9-]{1,63})\/([0-9a-f]{32})\/([\w-]{22})$/;
const RECORDING_JSON =
  /^\{"PlatformEndpointId":"([a-z0-9-]{1,63})","ResourceSpecificId":"([0-9a-f]{32})","s":"([\w-]{22})"\}$/;

const PARSERS: Record<Kind, (id: string) => Parts | undefined> = {
  serverCall: (id) => match(SERVER_CALL_URL, id, 'base64'),
  callConnection: (id) => match(CONNECTION_TEXT, id, 'base64url'),
  recording: (id) => match(RECORDING_JSON, id, 'base64url'),
};

function match(shape: RegExp, id: string, encoding: 'base64' | 'base64url'): Parts | undefined {
  const bytes = Buffer.from(id, encoding);
  // Only the one spelling that was issued: an id is also a key of the database.
  if (bytes.toString(encoding) !== id) return undefined;
  const found = shape.exec(bytes.toString('latin1'));
  if (found === null) return undefined;
  const [, node, random, signature] = found;
  if (node === undefined || random === undefined || signature === undefined) return undefined;
  return { node, random, signature };
}
