import { TapedeckError } from '../core/error.ts';
import type { Identifier } from '../core/identifier.ts';
import type { LegId } from '../core/ids.ts';
import type { AudioFormat, LocalMedia, RemoteMedia } from '../core/media-format.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';
import { ENDED_BY_LAST_LEAVING } from './call-end.ts';
import type { ArrivingLeg, CallLifecycle } from './call-lifecycle.ts';
import type { CallPorts, CallSettings } from './context.ts';
import type { DialDestination } from './destinations.ts';
import { BUILT_FORMATS, type AcceptedLeg, type Dialler, type DialOutcome } from './dial.ts';
import { formatsOf, preferring } from './leg-formats.ts';
import { MAX_PARTICIPANTS, type CallingParty, type Leg, type LiveCall } from './live-call.ts';
import type { Recorder } from './recorder.ts';
import { renderPlan } from './recording-plan.ts';
import {
  refusalAfter,
  refusalFor,
  SUCCESS,
  type Refusal,
  type ResultInformation,
} from './result-code.ts';

/** Sent to both ends of every call. */
export const CALL_ID_HEADER = 'X-Tapedeck-Server-Call-Id';

/** Of an INVITE that does not say (RFC 3261 §8.1.1.6). */
const DEFAULT_MAX_FORWARDS = 70;

const REPLACED = { status: 200, reason: 'Replaced' } as const;

export type BridgedParties = CallingParty & {
  readonly callee: Identifier;
  readonly destinations: readonly DialDestination[];
  /** A phone of ours, or one behind a trunk. */
  readonly isCalleeTrusted: boolean;
  /** Default that of the settings. */
  readonly ringTimeoutMs?: number;
};

/** Gives callers their answer: by us for an application, or by the phone that they are bridged to. */
export class CallSetup {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #lifecycle: CallLifecycle;
  readonly #recorder: Recorder;
  readonly #dialler: Dialler;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly lifecycle: CallLifecycle;
    readonly recorder: Recorder;
    readonly dialler: Dialler;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#lifecycle = parts.lifecycle;
    this.#recorder = parts.recorder;
    this.#dialler = parts.dialler;
  }

  /** Answers the caller of a call that was taken from offer. Rejects when that cannot be done. */
  async answer(call: LiveCall): Promise<void> {
    await call.queue.run(async () => {
      const { offer } = call;
      if (offer === undefined || call.state === 'ended') return;
      const leg = await this.#acceptCaller(
        call,
        offer,
        formatsOf(offer.invite.offeredFormats),
        undefined,
      );
      call.offer = undefined;
      await this.#lifecycle.join(call, [leg]);
    });
  }

  /**
   * Answers a caller into a call that may have others in it. Resolves with false when that is over;
   * rejects when the caller cannot be answered.
   *
   * @param replaced leaves as the caller comes in; when it has left already that is over too.
   */
  async admit(call: LiveCall, party: CallingParty, replaced?: Leg): Promise<boolean> {
    return call.queue.run(async () => {
      const isThere = replaced === undefined || call.legs.get(replaced.legId) === replaced;
      if (call.state === 'ended' || !isThere) return false;
      if (replaced === undefined && call.legs.size >= MAX_PARTICIPANTS) {
        throw new TapedeckError('call-state-conflict', 'the call has as many as a call takes');
      }
      // Who changes phones stays muted.
      const isMuted = replaced?.participant.rawId === party.caller.rawId && replaced.isMuted;
      const leg = await this.#acceptCaller(call, party, BUILT_FORMATS, undefined, isMuted);
      if (replaced !== undefined) await this.#lifecycle.takeOut(call, replaced, REPLACED);
      try {
        await this.#lifecycle.join(call, [leg]);
      } catch (error) {
        if (replaced !== undefined && !call.goesOnWith(call.legs.size)) {
          await this.#lifecycle.end(call, ENDED_BY_LAST_LEAVING);
        }
        throw error;
      }
      return true;
    });
  }

  /** Rings the callee and puts both through; who is not put through gets a final answer. */
  async bridge(call: LiveCall, parties: BridgedParties): Promise<void> {
    call.ringing.add(parties.invite);
    // Only what the caller can do, so that packets are relayed as they are.
    const common = formatsOf(parties.invite.offeredFormats);
    let outcome = await this.#ring(call, parties, common);
    const others = BUILT_FORMATS.filter((format) => !common.includes(format));
    if (!outcome.ok && isWithoutCodec(outcome.end) && others.length > 0) {
      // Nothing in common: the two are put through by way of samples.
      outcome = await this.#ring(call, parties, [...common, ...others]);
    }
    await call.queue.run(() =>
      outcome.ok
        ? this.#putThrough(call, parties, outcome.leg)
        : this.#end(call, refusalFor(outcome.end)),
    );
  }

  #ring(
    call: LiveCall,
    { invite, gone, callee, destinations, security, ringTimeoutMs }: BridgedParties,
    formats: readonly AudioFormat[],
  ): Promise<DialOutcome> {
    const headers = { [CALL_ID_HEADER]: call.serverCallId };
    return this.#dialler.dial({
      serverCallId: call.serverCallId,
      participant: callee,
      destinations: destinations.map((one) =>
        security === undefined ? one : { ...one, security },
      ),
      from: invite.from,
      formats,
      headers,
      ringTimeoutMs,
      maxForwards: Math.max(0, (invite.maxForwards ?? DEFAULT_MAX_FORWARDS) - 1),
      signal: AbortSignal.any([call.over.signal, gone]),
      onProgress: (status) => {
        if (status !== 183) invite.ring(headers);
      },
    });
  }

  /**
   * Refuses a call that is not up yet.
   *
   * @param failure what a bot hears that it was offered to.
   */
  async refuse(call: LiveCall, refusal: Refusal, failure?: ResultInformation): Promise<void> {
    await call.queue.run(() => this.#end(call, refusal, failure));
  }

  /** In the call's queue: what ends the call waits until both are in it. */
  async #putThrough(call: LiveCall, parties: BridgedParties, leg: AcceptedLeg): Promise<void> {
    const calleeLeg: ArrivingLeg = {
      ...leg,
      displayName: '',
      isTrusted: parties.isCalleeTrusted,
    };
    if (call.state === 'ended') {
      this.#lifecycle.turnAway(call, calleeLeg);
      return;
    }
    let callerLeg: ArrivingLeg;
    try {
      const formats = preferring([leg.remote.format], formatsOf(parties.invite.offeredFormats));
      callerLeg = await this.#acceptCaller(call, parties, formats, leg);
    } catch (error) {
      const { serverCallId } = call;
      this.#ports.log.warn({ serverCallId, error }, 'the caller could not be answered');
      this.#lifecycle.turnAway(call, calleeLeg);
      await this.#end(call, refusalAfter(error));
      return;
    }
    await this.#lifecycle.join(call, [callerLeg, { ...calleeLeg, hasMedia: true }]);
  }

  #end(call: LiveCall, sip: Refusal, failure?: ResultInformation): Promise<void> {
    return this.#lifecycle.end(call, {
      result: SUCCESS,
      sip,
      recordingReason: 'CallEnded',
      ...(failure && { failure }),
    });
  }

  /** Rejects when the caller cannot be answered; nothing of it is open then. */
  async #acceptCaller(
    call: LiveCall,
    party: CallingParty,
    formats: readonly AudioFormat[],
    other: AcceptedLeg | undefined,
    isMuted = false,
  ): Promise<ArrivingLeg> {
    const { invite, ended, gone, caller } = party;
    if (gone.aborted) throw new TapedeckError('call-ended', 'the caller is gone');
    const legId = this.#ports.random.hex(8) as LegId;
    const sockets = await this.#ports.media.openLeg({
      serverCallId: call.serverCallId,
      legId,
      participantId: caller.rawId,
      addressFamily: invite.sourceAddress.includes(':') ? 'IPv6' : 'IPv4',
    });
    try {
      if (isMuted) {
        await this.#ports.callMedia.controlLeg(legId, { isMuted, isOnHold: false });
      }
      const remote = await this.#agree(call, party, legId, { ...sockets, formats }, other);
      const { displayName } = invite.from;
      const isTrusted = invite.authenticatedUser !== undefined || invite.trunk !== undefined;
      return {
        ...{ legId, participant: caller, displayName, session: invite, ended, remote, isTrusted },
        isBehindTrunk: invite.trunk !== undefined,
        hasMedia: true,
        isMuted,
      };
    } catch (error) {
      this.#ports.media.closeLeg(legId).catch((failure: unknown) => {
        this.#ports.log.warn({ legId, error: failure }, 'sockets of a leg could not be closed');
      });
      throw error;
    }
  }

  async #agree(
    call: LiveCall,
    { invite, security }: CallingParty,
    legId: LegId,
    local: LocalMedia,
    other: AcceptedLeg | undefined,
  ): Promise<RemoteMedia> {
    // Before the answer goes out: the first packet that it brings is to be in the recording, and to
    // reach the other side.
    await this.#recordByRoute(call);
    const { media } = this.#ports;
    return invite.accept(
      { ...local, ...(security === undefined ? {} : { security }) },
      {
        headers: { [CALL_ID_HEADER]: call.serverCallId },
        onAgreed: async (agreed) => {
          const setting = [media.setLegMedia(legId, agreed)];
          if (other !== undefined) setting.push(media.setLegMedia(other.legId, other.remote));
          await Promise.all(setting);
        },
      },
    );
  }

  /** A recording that cannot start does not cost the people their call. */
  async #recordByRoute(call: LiveCall): Promise<void> {
    const recording = call.routeRecording;
    if (recording === undefined) return;
    // The first to come starts it; it is the call's, not theirs.
    call.routeRecording = undefined;
    try {
      await this.#recorder.start({
        serverCallId: call.serverCallId,
        correlationId: call.correlationId,
        callConnectionId: undefined,
        startedByConnection: false,
        origin: 'route',
        isPausable: recording.allowApiPause,
        apiVersion: '',
        stateCallbackUri: undefined,
        retentionMs: recording.retentionMs,
        plan: renderPlan(recording, this.#settings),
        pauseOnStart: false,
        containerUrl: undefined,
        alongside: () => [],
      });
    } catch (error) {
      this.#ports.log.error(
        { serverCallId: call.serverCallId, error },
        'a call that a route wants recorded is not recorded',
      );
    }
  }
}

/** Refused for what was offered (RFC 3261 §21.4.26, §21.6.4). */
function isWithoutCodec(end: SessionEnd): boolean {
  return end.by === 'remote' && (end.status === 488 || end.status === 606);
}
