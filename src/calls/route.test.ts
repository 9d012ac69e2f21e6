import { describe, expect, test } from 'vitest';
import { decideRoute, type Route, type RoutedCall } from './route.ts';

const CALL: RoutedCall = { to: '1234', from: 'alice', trusted: true, registered: true };

function route(route: Partial<Route>): Route {
  return {
    to: /.*/,
    from: undefined,
    action: 'application',
    trunk: undefined,
    group: undefined,
    record: undefined,
    ...route,
  };
}

describe('a call', () => {
  test('without any route rings who is registered, and is offered to applications otherwise', () => {
    expect(decideRoute([], CALL)).toMatchObject({ action: 'registered' });
    expect(decideRoute([], { ...CALL, registered: false })).toMatchObject({
      action: 'application',
    });
  });

  test('takes the first route of which both patterns match', () => {
    const routes = [
      route({ to: /^9/, action: 'reject' }),
      route({ to: /^1/, from: /^bob$/, action: 'reject' }),
      route({ to: /^1/, from: /^alice$/, action: 'application' }),
      route({ action: 'reject' }),
    ];
    expect(decideRoute(routes, CALL)).toMatchObject({ action: 'application' });
  });

  test('goes to a trunk with what the route says about recording, and from trusted callers only', () => {
    const record = {
      channelType: 'unmixed',
      formatType: 'wav',
      retentionMs: 1_000,
      allowApiPause: true,
    } as const;
    const routes = [route({ action: 'trunk', trunk: 'carrier', record })];
    expect(decideRoute(routes, CALL)).toEqual({ action: 'trunk', trunk: 'carrier', record });
    expect(decideRoute(routes, { ...CALL, trusted: false })).toMatchObject({
      action: 'reject',
      status: 403,
    });
  });

  test('to a user who has no phone here is 480', () => {
    const routes = [route({ action: 'registered' })];
    expect(decideRoute(routes, CALL)).toMatchObject({ action: 'registered' });
    expect(decideRoute(routes, { ...CALL, registered: false })).toMatchObject({ status: 480 });
  });

  test('goes into the call of a group', () => {
    const routes = [route({ action: 'group', group: 'team' })];
    const record = undefined;
    expect(decideRoute(routes, CALL)).toEqual({ action: 'group', group: 'team', record });
  });

  test('that a route rejects is declined', () => {
    expect(decideRoute([route({ action: 'reject' })], CALL)).toEqual({
      action: 'reject',
      status: 603,
      reason: 'Decline',
    });
  });
});
