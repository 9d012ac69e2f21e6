import { isIP, isIPv4 } from 'node:net';
import { E164 } from '../core/identifier.ts';
import { scalar, type Kind } from './kind.ts';

export type PortRange = { readonly from: number; readonly to: number };

const HIGHEST_PORT = 65_535;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
};

export const text: Kind<string> = scalar('text', (value) => (value === '' ? undefined : value));

export const path: Kind<string> = scalar('a path', (value) => (value === '' ? undefined : value));

export const flag: Kind<boolean> = scalar('true or false', (value) =>
  value === 'true' ? true : value === 'false' ? false : undefined,
);

/** Whole numbers from `least` to `most`, both included. */
export function wholeNumber(least: number, most: number, unit = ''): Kind<number> {
  const described = `a whole number${unit === '' ? '' : ` of ${unit}`} from ${least} to ${most}`;
  return scalar(described, (value) => {
    if (!/^-?\d{1,15}$/.test(value)) return undefined;
    const number = Number(value);
    return number >= least && number <= most ? number : undefined;
  });
}

/** Numbers from `least` to `most`, both included, in `unit`. */
export function number(least: number, most: number, unit: string): Kind<number> {
  return scalar(`a number of ${unit} from ${least} to ${most}`, (value) => {
    if (!/^-?\d{1,9}(\.\d{1,9})?$/.test(value)) return undefined;
    const parsed = Number(value);
    return parsed >= least && parsed <= most ? parsed : undefined;
  });
}

export function choice<const T extends string>(...allowed: readonly T[]): Kind<T> {
  return scalar(allowed.join(' or '), (value) => allowed.find((one) => one === value));
}

export const port: Kind<number> = scalar(
  `a port from 0 to ${HIGHEST_PORT} (0 picks a free one)`,
  (value) => (/^\d{1,5}$/.test(value) && Number(value) <= HIGHEST_PORT ? Number(value) : undefined),
);

/** `false` stands for `off`. */
export const portOrOff: Kind<number | false> = scalar(`${port.expects}, or off`, (value) => {
  if (value === 'off') return false;
  try {
    return port.read(value, '');
  } catch {
    return undefined;
  }
});

/** Which media an INVITE may agree on. */
export const securityPolicy: Kind<'plain' | 'allow' | 'require'> = choice(
  'plain',
  'allow',
  'require',
);

/** At least one pair of ports: an even one for RTP, the next for RTCP. */
export const portRange: Kind<PortRange> = scalar(
  `a range of ports from-to, such as 20000-29999, with room for a pair`,
  (value) => {
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(value);
    if (match === null) return undefined;
    const range = { from: Number(match[1]), to: Number(match[2]) };
    const firstEven = range.from + (range.from % 2);
    return range.from >= 1 && range.to <= HIGHEST_PORT && firstEven < range.to ? range : undefined;
  },
);

/** An address to bind: brackets around IPv6 are taken off, `localhost` is 127.0.0.1. */
export const bindAddress: Kind<string> = scalar('an IPv4 or IPv6 address to bind', (value) => {
  if (value === 'localhost') return '127.0.0.1';
  const bare = value.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
});

export const address: Kind<string> = scalar('an IPv4 or IPv6 address', (value) => {
  const bare = value.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
});

/** An address, or a range in CIDR form; a single address stays as it is. */
export const addressRange: Kind<string> = scalar(
  'an address or a CIDR range, such as 192.0.2.0/28',
  (value) => {
    const [base = '', bits, ...rest] = value.split('/');
    if (rest.length > 0 || isIP(base) === 0) return undefined;
    if (bits === undefined) return value;
    const most = isIPv4(base) ? 32 : 128;
    return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? value : undefined;
  },
);

/** Milliseconds. */
export const duration: Kind<number> = scalar(
  'a duration with its unit ms, s, m, h, d, w or y, such as 500ms, 24h or 7y',
  (value) => {
    const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w|y)$/.exec(value);
    if (match === null) return value === '0' ? 0 : undefined;
    const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN));
    return Number.isSafeInteger(ms) ? ms : undefined;
  },
);

/** A duration of which neither nothing nor more than `mostMs` makes sense. */
export function durationBetween(leastMs: number, mostMs: number, described: string): Kind<number> {
  return scalar(described, (value) => {
    try {
      const ms = duration.read(value, '');
      return ms >= leastMs && ms <= mostMs ? ms : undefined;
    } catch {
      return undefined;
    }
  });
}

/** A duration, or one word that stands for another way of telling when. */
export function durationOr<const Word extends string>(word: Word): Kind<number | Word> {
  return scalar(`${duration.expects}, or ${word}`, (value) => {
    if (value === word) return word;
    try {
      return duration.read(value, '');
    } catch {
      return undefined;
    }
  });
}

const LEAST_RETENTION_MS = 1000;

/** How long something is kept. Nothing that was announced goes before anybody could fetch it. */
export const retention: Kind<number | 'until-deleted'> = scalar(
  'a duration of at least 1s, such as 24h or 7y, or until-deleted',
  (value) => {
    try {
      const ms = durationOr('until-deleted').read(value, '');
      return ms === 'until-deleted' || ms >= LEAST_RETENTION_MS ? ms : undefined;
    } catch {
      return undefined;
    }
  },
);

/** Bytes. */
export const size: Kind<number> = scalar(
  'a size in bytes, or with its unit KiB, MiB, GiB, TiB, kB, MB, GB or TB',
  (value) => {
    const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]iB|[kMGT]?B|)$/.exec(value);
    if (match === null) return undefined;
    const bytes = Math.round(Number(match[1]) * (UNIT_BYTES[match[2] ?? ''] ?? Number.NaN));
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  },
);

/** A size within what makes sense, both ends included. */
export function sizeBetween(
  leastBytes: number,
  mostBytes: number,
  described: string,
): Kind<number> {
  return scalar(described, (value) => {
    try {
      const bytes = size.read(value, '');
      return bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined;
    } catch {
      return undefined;
    }
  });
}

export const httpUrl: Kind<string> = scalar('an http or https URL', (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? value : undefined;
});

/** An http or https URL with nothing after its host: no trailing slash in the result. */
export const originUrl: Kind<string> = scalar(
  'an http or https URL of host and port alone, such as https://deck.example.com:8443',
  (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
    return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
      ? url.origin
      : undefined;
  },
);

/** As it stands in `iss`, to the letter. */
export const issuerUrl: Kind<string> = scalar(
  'an http or https URL without a query, as its tokens name it',
  (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
    return url.search + url.hash + url.username + url.password === '' ? value : undefined;
  },
);

/** Labels of letters, digits and hyphens with dots between them (RFC 1123 §2.1), or an address. */
export const hostName: Kind<string> = scalar('a host name', (value) => {
  if (isIP(value) !== 0) return value;
  const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
  return new RegExp(`^${label}(?:\\.${label})*$`).test(value) ? value.toLowerCase() : undefined;
});

/** `undefined` in the result stands for `off`. */
export const hostNameOrOff: Kind<string | false> = scalar('a host name, or off', (value) => {
  if (value === 'off') return false;
  try {
    return hostName.read(value, '');
  } catch {
    return undefined;
  }
});

/** An access key as the SDKs want it: they decode it before they sign. */
export const base64Key: Kind<string> = scalar(
  'a key in base64',
  (value) => (/^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0 ? value : undefined),
  'secret',
);

/** As Azure allows them. */
export const storageAccountName: Kind<string> = scalar(
  'a name of 3 to 24 small letters and digits',
  (value) => (/^[a-z0-9]{3,24}$/.test(value) ? value : undefined),
);

/** A shared access signature, with or without the question mark of a URL. */
export const sasQuery: Kind<string> = scalar(
  'a shared access signature, such as sv=…&sig=…',
  (value) => {
    const query = value.replace(/^\?/, '');
    return /^[\x21-\x7e]{1,4096}$/.test(query) && new URLSearchParams(query).has('sig')
      ? query
      : undefined;
  },
  'secret',
);

/** An http or https URL with no more than a path; no slash at the end of the result. */
export const blobEndpoint: Kind<string> = scalar(
  'an http or https URL without a query, such as http://127.0.0.1:10000/devstoreaccount1',
  (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
    const isPlain = url.search === '' && url.hash === '' && url.username + url.password === '';
    return isPlain ? `${url.origin}${url.pathname.replace(/\/+$/, '')}` : undefined;
  },
  'secret', // it may hold a password or a signature, which is why it is refused
);

export const pattern: Kind<RegExp> = scalar('a regular expression', (value) => {
  try {
    return new RegExp(value);
  } catch {
    return undefined;
  }
});

export const sipUri: Kind<string> = scalar('a SIP URI, such as sip:192.0.2.10:5060', (value) =>
  /^sips?:[^\s<>"]+$/.test(value) ? value : undefined,
);

/** As dialled, or of E.164. */
export const numberPrefix: Kind<string> = scalar(
  'the first digits of a number, such as +49 or 00',
  (value) => (/^\+?[0-9*#]{1,32}$|^\+$/.test(value) ? value : undefined),
);

/** Goes into URLs. */
export const subscriptionName: Kind<string> = scalar(
  'a name of at most 64 letters, digits and hyphens',
  (value) => (/^[A-Za-z0-9-]{1,64}$/.test(value) ? value : undefined),
);

/** What RFC 4733 has events for. */
export const dialDigits: Kind<string> = scalar('digits of 0-9, *, #, A-D', (value) =>
  /^[0-9*#A-D]{1,64}$/.test(value) ? value : undefined,
);

export const e164: Kind<string> = scalar('a number in E.164 form, such as +15550100', (value) =>
  E164.test(value) ? value : undefined,
);

/** As a participant is named in the API. */
export const identifier: Kind<string> = scalar(
  'a number (+15550100), a user (8:acs:…) or a SIP URI (sip:…)',
  (value) =>
    /^(\+[1-9]\d{1,14}|8:[a-z-]*acs:[^\s<>"]+|8:spool:[^\s<>"]+|sip:[^\s<>"]+)$/.test(value)
      ? value
      : undefined,
);
