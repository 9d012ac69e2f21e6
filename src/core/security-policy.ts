import type { SecurityPolicy } from './media-format.ts';

/** Kinds of media lines in an offer. */
export type OfferedSecurity = readonly ('plain' | 'srtp')[];

/** From the one that leaves the far side all choice to the one that wins over the others. */
const BY_STRICTNESS: readonly SecurityPolicy[] = ['allow', 'plain', 'require'];

/** What holds where several policies meet: `require`, then `plain`, then `allow`; `allow` where there is none. */
export function strictest(...policies: readonly (SecurityPolicy | undefined)[]): SecurityPolicy {
  const rank = (policy: SecurityPolicy | undefined): number =>
    BY_STRICTNESS.indexOf(policy ?? 'allow');
  return BY_STRICTNESS[Math.max(0, ...policies.map(rank))] ?? 'allow';
}

/** Whether the offer alone shows that no agreement will come of it; of a late offer nothing is known. */
export function isRefused(policy: SecurityPolicy, offered: OfferedSecurity | undefined): boolean {
  if (offered === undefined || policy === 'allow') return false;
  return !offered.includes(policy === 'require' ? 'srtp' : 'plain');
}
