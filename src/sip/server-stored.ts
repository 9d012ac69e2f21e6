import type { StoredDialog } from '../core/ports/signalling.ts';
import { canonicalAddress } from '../protocols/sip/host.ts';
import { Dialog, type DialogRecord } from './dialog.ts';
import type { Target } from './transport/flow.ts';

/** A dialog as the ledger keeps it. */
export type StoredSession = DialogRecord & {
  readonly version: 1;
  readonly contactUser: string;
  readonly trunk: string | null;
  readonly transport: Target['transport'];
  readonly address: string;
  readonly port: number;
  /** Whom the peer of a TLS connection has to prove to be, if it was named. */
  readonly serverName?: string;
  /** `Target.natHost`. */
  readonly natHost?: string;
};

/** Refreshes of the session timer after the dialog was stored have used up some numbers. */
const CSEQ_MARGIN = 1_000;

export function storedSession(
  record: DialogRecord,
  target: Target,
  contactUser: string,
  trunk: string | undefined,
): StoredDialog {
  const { transport, remote, serverName, natHost } = target;
  const stored: StoredSession = {
    ...record,
    version: 1,
    contactUser,
    trunk: trunk ?? null,
    transport,
    address: remote.address,
    port: remote.port,
    ...(serverName === undefined ? {} : { serverName }),
    ...(natHost === undefined ? {} : { natHost }),
  };
  return stored;
}

/** The inverse; `undefined` for anything that `storedSession` did not make. */
export function restoreSession(stored: StoredDialog):
  | {
      readonly dialog: Dialog;
      readonly target: Target;
      readonly contactUser: string;
      readonly trunk: string | undefined;
    }
  | undefined {
  if (!isStoredSession(stored)) return undefined;
  const localCSeq = stored.localCSeq + CSEQ_MARGIN;
  const dialog = Dialog.restore({ ...stored, localCSeq });
  if (dialog === undefined) return undefined;
  const { transport, address, port, serverName, natHost, contactUser } = stored;
  return {
    dialog,
    target: { transport, remote: { address, port }, serverName, natHost },
    contactUser,
    trunk: stored.trunk ?? undefined,
  };
}

const TEXTS = ['callId', 'local', 'remote', 'remoteTarget', 'contactUser'] as const;

function isStoredSession(stored: StoredDialog): stored is StoredSession {
  const isText = (value: unknown): boolean => typeof value === 'string';
  const { localCSeq, remoteCSeq, port, address, transport, trunk, routeSet } = stored;
  const { serverName, natHost } = stored;
  return (
    stored['version'] === 1 &&
    TEXTS.every((name) => isText(stored[name])) &&
    Number.isSafeInteger(localCSeq) &&
    (remoteCSeq === null || Number.isSafeInteger(remoteCSeq)) &&
    Number.isSafeInteger(port) &&
    typeof address === 'string' &&
    canonicalAddress(address) !== undefined &&
    (transport === 'UDP' || transport === 'TCP' || transport === 'TLS') &&
    (trunk === null || isText(trunk)) &&
    (serverName === undefined || isText(serverName)) &&
    (natHost === undefined || isText(natHost)) &&
    Array.isArray(routeSet) &&
    routeSet.every(isText)
  );
}
