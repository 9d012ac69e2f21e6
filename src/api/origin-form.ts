/**
 * Path and query of a request target. Clients behind a proxy setting send the absolute form
 * (RFC 9112 §3.2.2), which every server has to take; it is still we who answer.
 */
export function originForm(target: string): string {
  const found = /^https?:\/\/[^/?#]*/i.exec(target);
  if (found === null) return target;
  const rest = target.slice(found[0].length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** The path alone. */
export function pathOf(target: string): string {
  return originForm(target).split('?', 1)[0] ?? '/';
}
