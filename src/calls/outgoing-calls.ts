import type { Identifier } from '../core/identifier.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';
import type { ArrivingLeg } from './call-lifecycle.ts';
import { CALL_ID_HEADER } from './call-setup.ts';
import type { CallPorts, CallSettings } from './context.ts';
import { destinationsOf, isForeign, type DialDestination } from './destinations.ts';
import { BUILT_FORMATS, type Dialler } from './dial.ts';
import type { Directory } from './directory.ts';
import type { LiveCall } from './live-call.ts';

/** Who calls when the application did not say: as SIP user, and in the resource's identifier. */
export const APPLICATION_USER = 'tapedeck';

export type RingRequest = {
  readonly target: Identifier;
  /** Default: wherever the target can be reached. */
  readonly destinations?: readonly DialDestination[];
  /** E.164, or a SIP user. Default `tapedeck`. */
  readonly callerUser?: string | undefined;
  readonly callerName?: string | undefined;
  /** In the INVITE. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default that of the settings. */
  readonly ringTimeoutMs?: number | undefined;
  /** Gives up when it fires, or when the call ends. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (status: number) => void;
};

export type RingOutcome =
  | { readonly ok: true; readonly leg: ArrivingLeg }
  | { readonly ok: false; readonly end: SessionEnd };

/** Rings people for a call that is on or comes about. */
export class OutgoingCalls {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #directory: Directory;
  readonly #dialler: Dialler;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly directory: Directory;
    readonly dialler: Dialler;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#directory = parts.directory;
    this.#dialler = parts.dialler;
  }

  /** Where somebody can be reached; empty if nowhere. */
  destinationsOf(target: Identifier): readonly DialDestination[] {
    return destinationsOf(target, this.#settings, this.#directory, (user) =>
      this.#ports.signalling.contactsOf(user),
    );
  }

  /** What one dials here to reach somebody: the SIP name of a user, or the number. */
  sipUserOf(target: Identifier): string {
    const names = this.#directory.sipNamesOf(target);
    if (target.kind === 'phoneNumber') return target.number;
    return names[0] ?? APPLICATION_USER;
  }

  /** Whoever accepts is a leg that has not joined the call yet. */
  async ring(call: LiveCall, request: RingRequest): Promise<RingOutcome> {
    const { target, signal } = request;
    const outcome = await this.#dialler.dial({
      serverCallId: call.serverCallId,
      participant: target,
      destinations: request.destinations ?? this.destinationsOf(target),
      from: {
        user: request.callerUser ?? APPLICATION_USER,
        host: '',
        displayName: request.callerName ?? '',
      },
      formats: BUILT_FORMATS,
      headers: { ...request.headers, [CALL_ID_HEADER]: call.serverCallId },
      ringTimeoutMs: request.ringTimeoutMs,
      signal: signal === undefined ? call.over.signal : AbortSignal.any([call.over.signal, signal]),
      ...(request.onProgress === undefined ? {} : { onProgress: request.onProgress }),
    });
    if (!outcome.ok) return outcome;
    const isTrusted = !isForeign(target, this.#settings);
    return {
      ok: true,
      leg: { ...outcome.leg, participant: target, displayName: '', isTrusted },
    };
  }
}
