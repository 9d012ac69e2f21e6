import type { SecurityPolicy } from '../core/media-format.ts';
import type { RecordingShape } from '../core/ports/call-service.ts';

/** What becomes of an incoming call. */
export type Route = {
  /** Matched against the called number or user. */
  readonly to: RegExp;
  /** Matched against the caller's number or user. */
  readonly from: RegExp | undefined;
  readonly action: 'trunk' | 'registered' | 'application' | 'group' | 'reject';
  /** Name of the trunk, for action `trunk`. Default: those that serve the number. */
  readonly trunk: string | undefined;
  /** The `groupCallId`, for action `group`. */
  readonly group: string | undefined;
  /** Name of the bot that is notified, for action `application`. Default: IncomingCall is raised. */
  readonly bot?: string | undefined;
  readonly record: RouteRecording | undefined;
  /** Of the media of caller and callee. Default `allow`. */
  readonly secure?: SecurityPolicy;
};

/** What is recorded of each call that a route takes. */
export type RouteRecording = {
  readonly channelType: RecordingShape['channelType'];
  readonly formatType: RecordingShape['formatType'];
  /** `undefined` = kept until deleted. */
  readonly retentionMs: number | undefined;
  /** Applications may pause and resume it, though not stop it. */
  readonly allowApiPause: boolean;
};

export type RouteDecision = { readonly secure?: SecurityPolicy | undefined } & (
  | {
      readonly action: 'trunk';
      /** Name of the only one; without it each that serves the number, by priority. */
      readonly trunk: string | undefined;
      readonly record: RouteRecording | undefined;
    }
  | { readonly action: 'registered'; readonly record: RouteRecording | undefined }
  | {
      readonly action: 'application';
      /** Name of the bot that it is offered to. */
      readonly bot?: string | undefined;
      readonly record: RouteRecording | undefined;
    }
  | {
      readonly action: 'group';
      readonly group: string;
      readonly record: RouteRecording | undefined;
    }
  | { readonly action: 'reject'; readonly status: number; readonly reason: string }
);

export type RoutedCall = {
  readonly to: string;
  readonly from: string;
  /** The caller authenticated, or its source is under a trunk's addresses. */
  readonly trusted: boolean;
  /** The called user has a phone here. */
  readonly registered: boolean;
};

/** First match wins; without any, registered users are rung and the rest goes to the application. */
export function decideRoute(routes: readonly Route[], call: RoutedCall): RouteDecision {
  const route = routes.find(
    (candidate) => candidate.to.test(call.to) && (candidate.from?.test(call.from) ?? true),
  );
  if (route === undefined) {
    return { action: call.registered ? 'registered' : 'application', record: undefined };
  }
  const { record, secure } = route;
  switch (route.action) {
    case 'trunk':
      // A caller's number is not a credential: anybody could dial out at our expense.
      if (!call.trusted) return { action: 'reject', status: 403, reason: 'Forbidden' };
      return { action: 'trunk', trunk: route.trunk, record, secure };
    case 'registered':
      if (!call.registered)
        return { action: 'reject', status: 480, reason: 'Temporarily Unavailable' };
      return { action: 'registered', record, secure };
    case 'application':
      return { action: 'application', bot: route.bot, record, secure };
    case 'group':
      return { action: 'group', group: route.group ?? '', record, secure };
    case 'reject':
      return { action: 'reject', status: 603, reason: 'Decline' };
  }
}
