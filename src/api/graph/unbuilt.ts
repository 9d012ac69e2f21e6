import { TapedeckError } from '../../core/error.ts';
import type { Routes } from '../routes.ts';
import { ofBot, type GraphApi } from './graph-api.ts';

/** What the vendor has on calls and this server has not. */
const ACTIONS = ['changeScreenSharingRole', 'addLargeGalleryView'] as const;
const COLLECTIONS = ['audioRoutingGroups', 'contentSharingSessions'] as const;

/** Says so instead of answering that there is no such thing; of calls that are there. */
export function unbuiltRoutes(routes: Routes, { bots }: GraphApi): void {
  for (const action of ACTIONS) {
    routes.post<{ Params: { call: string } }>(
      `/communications/calls/:call/${action}`,
      async (request) => {
        await bots.call(ofBot(request));
        throw notBuilt(action);
      },
    );
  }
  for (const name of COLLECTIONS) {
    for (const path of [name, `${name}/*`]) {
      routes.route<{ Params: { call: string } }>({
        method: ['GET', 'POST', 'PATCH', 'DELETE'],
        url: `/communications/calls/:call/${path}`,
        handler: async (request) => {
          await bots.call(ofBot(request));
          throw notBuilt(name);
        },
      });
    }
  }
  routes.post('/communications/calls/logTeleconferenceDeviceQuality', () => {
    throw notBuilt('logTeleconferenceDeviceQuality');
  });
}

function notBuilt(what: string): TapedeckError {
  return new TapedeckError('not-supported', `${what} is not supported by this server.`);
}
