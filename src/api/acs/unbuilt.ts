import { TapedeckError } from '../../core/error.ts';
import type { Routes } from '../routes.ts';
import { UNBUILT_CALL_VERBS, UNBUILT_PARTICIPANT_VERBS } from './verbs.ts';

/** Operations of the vendor that this server does not have yet: 405 with sub-code 8520. */
export function unbuiltRoutes(routes: Routes): void {
  const connection = '/calling/callConnections/:connection';
  for (const verb of UNBUILT_CALL_VERBS) refuse(routes, `${connection}/~${verb}`, verb);
  for (const verb of UNBUILT_PARTICIPANT_VERBS) {
    refuse(routes, `${connection}/participants/~${verb}`, `participants:${verb}`);
  }
}

function refuse(routes: Routes, path: string, operation: string): void {
  const reason = operation.endsWith('Transcription')
    ? 'this server does not recognise speech'
    : 'this server does not have it yet';
  routes.post(path, () => {
    throw new TapedeckError('not-supported', `${operation} is not supported: ${reason}.`);
  });
}
