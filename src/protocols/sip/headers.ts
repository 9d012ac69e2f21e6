/**
 * Header fields in the order of the message. Names are case-insensitive and compact forms are
 * the same as long ones (RFC 3261 §7.3.3). Values have no line folds and no surrounding space.
 */
export class SipHeaders {
  readonly #fields: { readonly name: string; value: string }[] = [];

  /** The first value as it stands, or `undefined`. */
  get(name: string): string | undefined {
    const wanted = canonicalHeaderName(name);
    return this.#fields.find((field) => field.name === wanted)?.value;
  }

  /** All values, one an occurrence, not split at commas. */
  all(name: string): readonly string[] {
    const wanted = canonicalHeaderName(name);
    return this.#fields.filter((field) => field.name === wanted).map((field) => field.value);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  append(name: string, value: string): void {
    this.#fields.push({ name: canonicalHeaderName(name), value });
  }

  /** Puts a value before all others of its name (a new top `Via`). */
  prepend(name: string, value: string): void {
    this.#fields.unshift({ name: canonicalHeaderName(name), value });
  }

  /** Replaces all values of the name by one, in the place of the first. */
  set(name: string, value: string): void {
    const wanted = canonicalHeaderName(name);
    const at = this.#fields.findIndex((field) => field.name === wanted);
    if (at < 0) {
      this.#fields.push({ name: wanted, value });
      return;
    }
    this.#fields[at] = { name: wanted, value };
    for (let index = this.#fields.length - 1; index > at; index -= 1) {
      if (this.#fields[index]?.name === wanted) this.#fields.splice(index, 1);
    }
  }

  delete(name: string): void {
    const unwanted = canonicalHeaderName(name);
    for (let index = this.#fields.length - 1; index >= 0; index -= 1) {
      if (this.#fields[index]?.name === unwanted) this.#fields.splice(index, 1);
    }
  }

  entries(): readonly { readonly name: string; readonly value: string }[] {
    return this.#fields;
  }

  get size(): number {
    return this.#fields.length;
  }
}

/** Maps, not objects: a header may be called `constructor`. */
const COMPACT_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'Accept-Contact',
    b: 'Referred-By',
    c: 'Content-Type',
    e: 'Content-Encoding',
    f: 'From',
    i: 'Call-ID',
    k: 'Supported',
    l: 'Content-Length',
    m: 'Contact',
    o: 'Event',
    r: 'Refer-To',
    s: 'Subject',
    t: 'To',
    u: 'Allow-Events',
    v: 'Via',
    x: 'Session-Expires',
    d: 'Request-Disposition',
    j: 'Reject-Contact',
    y: 'Identity',
  }),
);

/** Names whose usual spelling is not "each word capitalised". */
const IRREGULAR_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'call-id': 'Call-ID',
    cseq: 'CSeq',
    'mime-version': 'MIME-Version',
    'min-se': 'Min-SE',
    'www-authenticate': 'WWW-Authenticate',
    rack: 'RAck',
    rseq: 'RSeq',
    'sip-etag': 'SIP-ETag',
    'sip-if-match': 'SIP-If-Match',
  }),
);

/** `v` → `Via`, `call-id` → `Call-ID`, `x-my-own` → `X-My-Own`. */
export function canonicalHeaderName(name: string): string {
  const lower = name.toLowerCase();
  return (
    COMPACT_NAMES.get(lower) ??
    IRREGULAR_NAMES.get(lower) ??
    lower.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
  );
}
