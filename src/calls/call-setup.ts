import { TapedeckError } from '../core/error.ts';
import type { Identifier } from '../core/identifier.ts';
import type { LegId } from '../core/ids.ts';
import type { AudioFormat } from '../core/media-format.ts';
import type { ArrivingLeg, CallLifecycle } from './call-lifecycle.ts';
import type { CallPorts, CallSettings } from './context.ts';
import { BUILT_FORMATS, dial, type AcceptedLeg, type DialDestination } from './dial.ts';
import type { CallingParty, LiveCall } from './live-call.ts';
import type { Recorder } from './recorder.ts';
import { renderPlan } from './recording-plan.ts';
import { refusalAfter, refusalFor, SUCCESS, type Refusal } from './result-code.ts';

/** Sent to both ends of every call. */
export const CALL_ID_HEADER = 'X-Tapedeck-Server-Call-Id';

export type BridgedParties = CallingParty & {
  readonly callee: Identifier;
  readonly destinations: readonly DialDestination[];
};

/** Gives callers their answer: by us for an application, or by the phone that they are bridged to. */
export class CallSetup {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #lifecycle: CallLifecycle;
  readonly #recorder: Recorder;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly lifecycle: CallLifecycle;
    readonly recorder: Recorder;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#lifecycle = parts.lifecycle;
    this.#recorder = parts.recorder;
  }

  /** Answers the caller of a call that was taken from offer. Rejects when that cannot be done. */
  async answer(call: LiveCall): Promise<void> {
    await call.queue.run(async () => {
      const { offer } = call;
      if (offer === undefined || call.state === 'ended') return;
      const leg = await this.#acceptCaller(call, offer, BUILT_FORMATS, undefined);
      call.offer = undefined;
      await this.#lifecycle.join(call, [leg]);
    });
  }

  /** Rings the callee and puts both through; who is not put through gets a final answer. */
  async bridge(call: LiveCall, parties: BridgedParties): Promise<void> {
    const { invite, gone, callee } = parties;
    call.ringing.add(invite);
    const headers = { [CALL_ID_HEADER]: call.serverCallId };
    const outcome = await dial(this.#ports, this.#settings.ringTimeoutMs, {
      serverCallId: call.serverCallId,
      participant: callee,
      destinations: parties.destinations,
      from: invite.from,
      // Only what the caller can do, so that packets are relayed as they are.
      formats: commonFormats(invite.offeredFormats),
      headers,
      signal: AbortSignal.any([call.over.signal, gone]),
      onProgress: (status) => {
        if (status !== 183) invite.ring(headers);
      },
    });
    await call.queue.run(() =>
      outcome.ok
        ? this.#putThrough(call, parties, outcome.leg)
        : this.#end(call, refusalFor(outcome.end)),
    );
  }

  /** Refuses a call that is not up yet. */
  async refuse(call: LiveCall, refusal: Refusal): Promise<void> {
    await call.queue.run(() => this.#end(call, refusal));
  }

  /** In the call's queue: what ends the call waits until both are in it. */
  async #putThrough(call: LiveCall, parties: BridgedParties, leg: AcceptedLeg): Promise<void> {
    const calleeLeg: ArrivingLeg = { ...leg, participant: parties.callee, displayName: '' };
    if (call.state === 'ended') {
      this.#lifecycle.turnAway(call, calleeLeg);
      return;
    }
    let callerLeg: ArrivingLeg;
    try {
      const formats = preferring(leg.remote.format);
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

  #end(call: LiveCall, sip: Refusal): Promise<void> {
    return this.#lifecycle.end(call, { result: SUCCESS, sip, recordingReason: 'CallEnded' });
  }

  async #acceptCaller(
    call: LiveCall,
    { invite, ended, gone, caller }: CallingParty,
    formats: readonly AudioFormat[],
    other: AcceptedLeg | undefined,
  ): Promise<ArrivingLeg> {
    if (gone.aborted) throw new TapedeckError('call-ended', 'the caller is gone');
    const legId = this.#ports.random.hex(8) as LegId;
    const sockets = await this.#ports.media.openLeg({
      serverCallId: call.serverCallId,
      legId,
      participantId: caller.rawId,
      addressFamily: invite.sourceAddress.includes(':') ? 'IPv6' : 'IPv4',
    });
    // Before the answer goes out: the first packet that it brings is to be in the recording, and to
    // reach the other side.
    await this.#recordByRoute(call);
    const { media } = this.#ports;
    const remote = await invite.accept(
      { ...sockets, formats },
      {
        headers: { [CALL_ID_HEADER]: call.serverCallId },
        onAgreed: async (agreed) => {
          const setting = [media.setLegMedia(legId, agreed)];
          if (other !== undefined) setting.push(media.setLegMedia(other.legId, other.remote));
          await Promise.all(setting);
        },
      },
    );
    const { displayName } = invite.from;
    const hasMedia = true;
    return { legId, participant: caller, displayName, session: invite, ended, remote, hasMedia };
  }

  /** A recording that cannot start does not cost the people their call. */
  async #recordByRoute(call: LiveCall): Promise<void> {
    const recording = call.routeRecording;
    if (recording === undefined) return;
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

function commonFormats(offered: readonly AudioFormat[] | undefined): readonly AudioFormat[] {
  if (offered === undefined) return BUILT_FORMATS;
  const common = offered.flatMap((format) =>
    BUILT_FORMATS.filter((built) => built.codec === format.codec),
  );
  return common.length > 0 ? common : BUILT_FORMATS;
}

function preferring(format: AudioFormat): readonly AudioFormat[] {
  const isSame = (other: AudioFormat): boolean => other.codec === format.codec;
  return [...BUILT_FORMATS.filter(isSame), ...BUILT_FORMATS.filter((other) => !isSame(other))];
}
