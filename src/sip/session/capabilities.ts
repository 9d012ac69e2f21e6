import type { HeaderList } from '../../protocols/sip/build.ts';

/** Methods that are served in a dialog. */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY, PRACK';
/** Option tags of `Require` that are understood. */
export const SUPPORTED_EXTENSIONS: readonly string[] = [
  'timer',
  '100rel',
  'norefersub',
  'replaces',
];
export const SDP_TYPE = 'application/sdp';

/** What a 2xx to INVITE, UPDATE and OPTIONS tells about us (RFC 3261 §13.3.1, §11.2). */
export const CAPABILITY_HEADERS: HeaderList = [
  ['Allow', ALLOW],
  ['Supported', SUPPORTED_EXTENSIONS.join(', ')],
];

export const ACCEPT_HEADER: readonly [string, string] = ['Accept', SDP_TYPE];

/** Whether a body of this `Content-Type` is SDP; without the field it is taken for SDP. */
export function isSdp(contentType: string | undefined): boolean {
  const type = (contentType ?? SDP_TYPE).split(';', 1)[0]?.trim().toLowerCase();
  return type === SDP_TYPE;
}
