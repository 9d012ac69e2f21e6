import type { NotificationTokens } from '../../identity/notification-tokens.ts';
import type { Routes } from '../routes.ts';

/** Paths of the vendor's document, of which clients have both spellings. */
const DOCUMENTS = [
  '/v1/.well-known/OpenIdConfiguration',
  '/v1/.well-known/openidconfiguration',
] as const;
const KEYS = '/v1/.well-known/keys';

/** What bots check notifications with. Public by nature. */
export function notificationKeyRoutes(
  routes: Routes,
  tokens: Pick<NotificationTokens, 'keys' | 'openIdConfiguration'>,
  publicUrl: () => string,
): void {
  for (const path of DOCUMENTS) {
    routes.get(path, () => tokens.openIdConfiguration(publicUrl() + KEYS));
  }
  routes.get(KEYS, () => tokens.keys());
}
