import type { CallService } from '../../core/ports/call-service.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Ledger, Outbox } from '../../core/ports/ledger.ts';
import type { SimulatedCallers } from '../../core/ports/simulated-callers.ts';
import type { SubscriptionAdmin } from '../../core/ports/subscription-admin.ts';
import type { SignedLinks } from '../../identity/signed-links.ts';
import type { CallbackUris, IdFields } from '../acs/fields.ts';
import type { Routes } from '../routes.ts';
import { auditRoutes } from './audit.ts';
import { callRoutes } from './calls.ts';
import { documentRoutes } from './documents.ts';
import { eventRoutes } from './events.ts';
import { recordingAdminRoutes } from './recording.ts';
import { recordingListRoutes } from './recordings.ts';
import { subscriptionRoutes } from './subscriptions.ts';

export type AdminServices = {
  readonly ledger: Pick<Ledger, 'recordings' | 'chunk' | 'chunksOf'>;
  readonly outbox: Pick<Outbox, 'events' | 'event' | 'redeliver'>;
  readonly subscriptions: SubscriptionAdmin;
  readonly simulatedCallers: SimulatedCallers;
  readonly clock: Clock;
  readonly links: SignedLinks;
  readonly callbackUris: CallbackUris;
  readonly ids: IdFields;
  readonly log: Logger;
  /** What links begin with, without a slash at the end. */
  readonly publicUrl: () => string;
};

/** What people who run the server ask of it; clients are the command line and scripts. */
export function adminRoutes(
  routes: Routes,
  services: AdminServices,
  calls: Pick<CallService, 'calls' | 'admin' | 'content'>,
): void {
  recordingListRoutes(routes, services);
  recordingAdminRoutes(routes, calls.admin, services);
  documentRoutes(routes, calls.content, services.log);
  auditRoutes(routes, calls.admin);
  callRoutes(routes, calls, services.simulatedCallers);
  subscriptionRoutes(routes, services.subscriptions, services.callbackUris);
  eventRoutes(routes, services.outbox, services.clock);
}
