/** What becomes of each torture message of RFC 4475, and why where we differ from its advice. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseSdp } from '../sdp/parse-sdp.ts';
import type { SipMessage } from './message.ts';
import { parseContacts, parseNameAddressList } from './name-address.ts';
import { parseSipMessage, type SipDefect } from './parse-message.ts';
import { parseForRejection } from './rejection.ts';
import { serialiseMessage } from './serialise.ts';
import { StreamFramer } from './stream-framer.ts';
import { formatSipUri } from './uri.ts';
import { parseVia, splitVia } from './via.ts';

const FOLDER = new URL('../../../test/fixtures/rfc4475/', import.meta.url);

type Accepted = readonly [
  name: string,
  section: string,
  start: string,
  sentBy: string,
  fromTag: string,
  toUser: string,
  cseq: number,
  bodyBytes: number,
];

const LONG_TAG = `12${'982'.repeat(50)}424`;
const ODD_METHOD = "!interesting-Method0123456789_*+`.%indeed'~";

// prettier-ignore
const ACCEPTED: readonly Accepted[] = [
  ['wsinv', '3.1.1.1', 'INVITE sip:vivekg@chair-dnrc.example.com;unknownparam', '192.0.2.2', '98asjd8', 'vivekg', 9, 150],
  ['intmeth', '3.1.1.2', `${ODD_METHOD} sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com`, 'host1.example.com', "_token~1'+`*%!-.", "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", 139122385, 0],
  ['esc01', '3.1.1.3', 'INVITE sip:sips%3Auser%40example.com@example.net', 'host5.example.net', '938', 'user', 234234, 150],
  ['escnull', '3.1.1.4', 'REGISTER sip:example.com', 'host5.example.com', '839923423', 'null-\0-null', 14398234, 0],
  ['esc02', '3.1.1.5', 'RE%47IST%45R sip:registrar.example.com', 'host.example.com', 'f232jadfj23', 'resource', 29344, 0],
  ['lwsdisp', '3.1.1.6', 'OPTIONS sip:user@example.com', 'funky.example.com', '323', 'user', 60, 0],
  ['longreq', '3.1.1.7', 'INVITE sip:user@example.com', 'sip33.example.com', LONG_TAG, 'user', 3882340, 150],
  ['dblreq', '3.1.1.8', 'REGISTER sip:example.com', '192.0.2.125', '43251j3j324', 'j.user', 8, 0],
  ['semiuri', '3.1.1.9', 'OPTIONS sip:user;par=u%40example.net@example.com', '192.0.2.1', '33242', 'j_user', 8, 0],
  ['transports', '3.1.1.10', 'OPTIONS sip:user@example.com', 't1.example.com', '323', 'user', 60, 0],
  ['mpart01', '3.1.1.11', 'MESSAGE sip:kumiko@example.org', '127.0.0.1', '2fb0dcc9', 'kumiko', 1, 553],
  ['unreason', '3.1.1.12', '200 = 2**3 * 5**2 но сто девяносто девять - простое', '192.0.2.198', '11141343', 'user', 35, 154],
  ['noreason', '3.1.1.13', '100 ', '192.0.2.105', '39ansfi3', 'user', 35, 0],
  // The names should have been quoted; the meaning is plain, so they are taken (as the RFC allows).
  ['baddn', '3.1.2.15', 'OPTIONS sip:t.watson@example.org', 'c.example.com', '43', 't.watson', 3923239, 0],
  // The date is in EST. Nothing here reads dates.
  ['baddate', '3.1.2.12', 'INVITE sip:user@example.com', 'host.example.com', '2234923', 'user', 1392934, 150],
  // The Contact is what is wrong: see the test of `parseContacts` below.
  ['regbadct', '3.1.2.13', 'REGISTER sip:example.com', '135.180.130.133', '998332', 'user', 1, 0],
  // Syntactically fine: transactions, dialogs and the registrar decide about the rest.
  ['badbranch', '3.2.1', 'OPTIONS sip:user@example.com', '192.0.2.1', '33242', 'user', 8, 0],
  ['bcast', '3.3.10', '200 OK', '192.0.2.198', '11141343', 'user', 35, 154],
  ['zeromf', '3.3.11', 'OPTIONS sip:user@example.com', 'host1.example.com', '3ghsd41', 'user', 39234321, 0],
  ['cparam01', '3.3.12', 'REGISTER sip:example.com', 'saturn.example.com', 'DkfVgjkrtMwaerKKpe', 'watson', 2, 0],
  ['cparam02', '3.3.13', 'REGISTER sip:example.com', 'saturn.example.com', '838293', 'watson', 3, 0],
  ['regescrt', '3.3.14', 'REGISTER sip:example.com', 'host5.example.com', '8', 'user', 14398234, 0],
  ['sdp01', '3.3.15', 'INVITE sip:user@example.com', '192.0.2.15', '234', 'j_user', 8, 150],
  ['regaut01', '3.3.7', 'REGISTER sip:example.com', '192.0.2.253', '87321hj23128', 'j.user', 9338, 0],
  ['invut', '3.3.6', 'INVITE sip:user@example.com', 'somehost.example.com', '8392034', 'j.user', 235448, 40],
  ['bext01', '3.3.5', 'OPTIONS sip:user@example.com', 'fold-and-staple.example.com', '242etr', 'j_user', 8, 0],
  ['inv2543', '3.4.1', 'INVITE sip:UserB@example.com', 'iftgw.example.com', '', '+16505552222', 56, 105],
];

type Refused = readonly [
  name: string,
  section: string,
  defect: SipDefect,
  /** `undefined`: dropped. */
  status: number | undefined,
];

const REFUSED: readonly Refused[] = [
  ['badinv01', '3.1.2.1', 'bad-via', 400],
  ['clerr', '3.1.2.2', 'body-too-short', 400],
  ['ncl', '3.1.2.3', 'bad-content-length', 400],
  ['scalar02', '3.1.2.4', 'bad-cseq', 400],
  ['scalarlg', '3.1.2.5', 'bad-cseq', undefined],
  ['quotbal', '3.1.2.6', 'bad-to', 400],
  ['ltgtruri', '3.1.2.7', 'bad-request-uri', 400],
  ['lwsruri', '3.1.2.8', 'bad-start-line', 400],
  ['lwsstart', '3.1.2.9', 'bad-start-line', 400],
  ['trws', '3.1.2.10', 'bad-start-line', 400],
  ['escruri', '3.1.2.11', 'bad-request-uri', 400],
  ['badaspec', '3.1.2.14', 'bad-to', 400],
  ['badvers', '3.1.2.16', 'unsupported-version', 505],
  ['mismatch01', '3.1.2.17', 'method-mismatch', 400],
  ['mismatch02', '3.1.2.18', 'method-mismatch', 400],
  ['bigcode', '3.1.2.19', 'bad-status', undefined],
  ['insuf', '3.3.1', 'missing-from', 400],
  ['unkscm', '3.3.2', 'unsupported-uri-scheme', 416],
  ['novelsc', '3.3.3', 'unsupported-uri-scheme', 416],
  // A proxy would pass it on. We are none, and have no use for callers at `http:` or `isbn:`.
  ['unksm2', '3.3.4', 'bad-from', 400],
  ['multi01', '3.3.8', 'repeated-header', 400],
  ['mcl01', '3.3.9', 'bad-content-length', 400],
];

test('every stored message is expected to do something', () => {
  const stored = readdirSync(FOLDER).filter((name) => name.endsWith('.dat'));
  const expected = [...ACCEPTED, ...REFUSED].map(([name]) => `${name}.dat`);
  expect([...expected].sort()).toEqual(stored.sort());
  expect(stored).toHaveLength(49);
});

describe.each(ACCEPTED)('%s (§%s) is accepted', (name, _, start, sentBy, tag, user, cseq, size) => {
  const bytes = stored(name);

  test('with the fields that it has', () => {
    const message = accepted(bytes);
    expect({
      start: startOf(message),
      sentBy: message.via.host,
      tag: message.from.parameters.get('tag') ?? '',
      user: message.to.uri.user,
      cseq: message.cseq.number,
      size: message.body.byteLength,
    }).toEqual({ start, sentBy, tag, user, cseq, size });
  });

  test('and is the same after being written and read again', () => {
    const message = accepted(bytes);
    const again = accepted(serialiseMessage(message));
    const { headers, ...rest } = message;
    const { headers: headersAgain, ...restAgain } = again;
    expect(restAgain).toEqual(rest);
    const withoutLength = (list: typeof headers): readonly unknown[] =>
      list.entries().filter((field) => field.name !== 'Content-Length');
    expect(withoutLength(headersAgain)).toEqual(withoutLength(headers));
  });
});

test.each(REFUSED)('%s (§%s) is refused: %s, answered with %s', (name, _, defect, status) => {
  const bytes = stored(name);
  expect(parseSipMessage(bytes)).toEqual({ ok: false, defect });
  expect(parseForRejection(bytes, defect)?.status).toBe(status);
});

describe('details', () => {
  test('wsinv: lists fall apart in the right places however they are folded', () => {
    const { headers } = accepted(stored('wsinv'));
    const vias = splitVia(headers.all('Via'));
    expect(vias.ok && vias.value.map(parseVia)).toMatchObject([
      { value: { transport: 'UDP', host: '192.0.2.2' } },
      { value: { transport: 'TCP', host: 'spindle.example.com' } },
      { value: { transport: 'UDP', host: '192.168.255.111' } },
    ]);
    const lastVia = parseVia((vias.ok ? vias.value[2] : undefined) ?? '');
    expect(lastVia.ok && lastVia.value.parameters.get('branch')).toBe('z9hG4bK30239');
    const contacts = parseContacts(headers.all('Contact'));
    expect(contacts.ok && contacts.value).toMatchObject([{ displayName: 'Quoted string ""' }]);
    const route = parseNameAddressList(headers.all('Route'));
    expect(route.ok && route.value[0]?.uri.parameters.has('lr')).toBe(true);
    expect(headers.get('NewFangledHeader')).toBe('newfangled value continued newfangled value');
    expect(headers.get('Subject')).toBe('');
  });

  test('intmeth: quoted pairs, control characters and UTF-8 are read', () => {
    const message = accepted(stored('intmeth'));
    expect(message.to.displayName).toBe('BEL:\u0007 NUL:\0 DEL:\u007f');
    expect(message.from.parameters.get("fromparam''~+*_!.-%")).toBe('работающий');
    expect(message.callId).toBe('intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
  });

  test('esc01: parameters are compared unescaped, method names never', () => {
    const contacts = parseContacts(accepted(stored('esc01')).headers.all('Contact'));
    expect(contacts.ok && contacts.value).toMatchObject([{ uri: { user: 'caller' } }]);
    const uri = contacts.ok && contacts.value !== '*' ? contacts.value[0]?.uri : undefined;
    expect([...(uri?.parameters ?? [])]).toEqual([
      ['lr', ''],
      ['name', 'value%41'],
    ]);
  });

  test('esc02: the percent signs of a display name are percent signs', () => {
    expect(accepted(stored('esc02')).to.displayName).toBe('%Z%45');
  });

  test('regbadct: a Contact with ? and no brackets is a defect, with brackets it is not', () => {
    const contactsOf = (name: string): unknown =>
      parseContacts(accepted(stored(name)).headers.all('Contact')).ok;
    expect(contactsOf('regbadct')).toBe(false);
    expect(contactsOf('regescrt')).toBe(true);
  });

  test('cparam01 and cparam02: brackets decide whose parameter it is', () => {
    const contact = (name: string): unknown =>
      parseContacts(accepted(stored(name)).headers.all('Contact'));
    const none = new Map();
    const unknown = new Map([['unknownparam', '']]);
    expect(contact('cparam01')).toMatchObject({
      value: [{ uri: { parameters: none }, parameters: unknown }],
    });
    expect(contact('cparam02')).toMatchObject({
      value: [{ uri: { parameters: unknown }, parameters: none }],
    });
  });

  test('dblreq: a datagram is one message, a stream holds both', () => {
    const events = new StreamFramer().push(stored('dblreq'));
    // The second body is two bytes longer than it says; what is left over is no message.
    expect(events.map((event) => event.kind)).toEqual(['message', 'message', 'defect']);
    const starts = events.flatMap((event) =>
      event.kind === 'message' ? [startOf(event.message)] : [],
    );
    expect(starts).toEqual(['REGISTER sip:example.com', 'INVITE sip:joe@example.com']);
  });

  test.each(['baddate', 'bcast', 'esc01', 'inv2543', 'longreq', 'sdp01', 'unreason', 'wsinv'])(
    '%s: its session description is read',
    (name) => {
      const description = parseSdp(accepted(stored(name)).body);
      expect(description.ok && description.value.media[0]).toMatchObject({ type: 'audio' });
    },
  );
});

function stored(name: string): Uint8Array {
  return readFileSync(new URL(`${name}.dat`, FOLDER));
}

function accepted(bytes: Uint8Array): SipMessage {
  const message = parseSipMessage(bytes);
  if (!message.ok) throw new Error(`refused: ${message.defect}`);
  return message.value;
}

function startOf(message: SipMessage): string {
  return message.kind === 'request'
    ? `${message.method} ${formatSipUri(message.uri)}`
    : `${message.status} ${message.reason}`;
}
