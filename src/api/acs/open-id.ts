import type { CallbackTokens } from '../../identity/callback-tokens.ts';
import type { Routes } from '../routes.ts';

/** What applications verify callbacks with. Public by nature. */
export function openIdRoutes(
  routes: Routes,
  tokens: CallbackTokens,
  publicUrl: () => string,
): void {
  routes.get('/calling/.well-known/acsopenidconfiguration', () =>
    tokens.openIdConfiguration(`${publicUrl()}/calling/keys`),
  );
  routes.get('/calling/keys', () => tokens.keys());
}
