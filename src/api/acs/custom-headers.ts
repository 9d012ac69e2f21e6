import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { CustomHeaders } from '../../core/ports/call-control.ts';

const MAX_HEADERS = 20;
const MAX_VALUE_CHARACTERS = 2_048;
/** RFC 3261 §25.1, as far as header names need it. */
const TOKEN = /^[A-Za-z0-9!%*_+`'~.-]{1,128}$/;
/** What an application may send along to a phone; every other header is ours. */
const ALLOWED = /^(?:user-to-user|x-.+)$/i;
const VOIP_PREFIX = 'X-MS-Custom-';

const Headers = Type.Record(Type.String(), Type.String({ maxLength: MAX_VALUE_CHARACTERS }));

/** CustomCallingContext as it arrives. */
export type CustomCallingContext = {
  sipHeaders?: Record<string, string>;
  voipHeaders?: Record<string, string>;
};

export const CustomCallingContextSchema: Type.TUnsafe<CustomCallingContext> = Type.Unsafe(
  Type.Object({ sipHeaders: Type.Optional(Headers), voipHeaders: Type.Optional(Headers) }),
);

/** SIP headers as they are, and those for users as `X-MS-Custom-<name>`: their phones are SIP phones too. */
export function customHeaders(context: CustomCallingContext | undefined): CustomHeaders {
  const sip = Object.entries(context?.sipHeaders ?? {});
  const voip = Object.entries(context?.voipHeaders ?? {}).map(
    ([name, value]) => [/^x-/i.test(name) ? name : VOIP_PREFIX + name, value] as const,
  );
  const all = [...sip, ...voip];
  if (all.length > MAX_HEADERS) throw invalid('', `has more than ${MAX_HEADERS} headers`);
  for (const [name, value] of all) {
    if (!TOKEN.test(name) || !ALLOWED.test(name)) {
      throw invalid('', `has a header ${JSON.stringify(name)}: User-To-User and X-… may be sent`);
    }
    // A line break would begin a header of the sender's own choice.
    if (/\p{Cc}/u.test(value)) throw invalid(`.${name}`, 'has control characters');
  }
  return Object.fromEntries(all);
}

function invalid(part: string, problem: string): TapedeckError {
  const field = `customCallingContext${part}`;
  return new TapedeckError('argument-invalid', `Invalid argument: ${field} ${problem}.`, { field });
}
