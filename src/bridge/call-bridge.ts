import type { ServerCallId } from '../core/ids.ts';
import {
  isG711,
  type AudioFormat,
  type CodecName,
  type RemoteMedia,
} from '../core/media-format.ts';
import type { LegControl } from '../core/ports/call-media.ts';
import type { CallJournal } from './call-journal.ts';
import { g711Map } from './g711-map.ts';
import type { Leg, Relay } from './leg.ts';
import { isSameFormat } from './leg-media.ts';

/** The legs and journals of one call, and who hears whom. */
export class CallBridge {
  readonly serverCallId: ServerCallId;
  readonly legs: Set<Leg> = new Set<Leg>();
  readonly journals: Set<CallJournal> = new Set<CallJournal>();
  /** Work that has to finish before the call is gone: ports or journals being opened. */
  readonly opening: Set<Promise<unknown>> = new Set<Promise<unknown>>();
  isClosed = false;

  constructor(serverCallId: ServerCallId) {
    this.serverCallId = serverCallId;
  }

  add(leg: Leg): void {
    this.legs.add(leg);
  }

  setMedia(leg: Leg, media: RemoteMedia): void {
    const before = leg.media;
    if (before !== undefined && !isSameFormat(before, media)) {
      for (const journal of this.journals) journal.leave(leg);
    }
    leg.setMedia(media);
    for (const journal of this.journals) journal.join(leg, media);
    this.#connectLegs();
    leg.receiveEarly();
  }

  control(leg: Leg, control: LegControl): void {
    leg.control(control);
  }

  remove(leg: Leg): void {
    this.legs.delete(leg);
    for (const journal of this.journals) journal.leave(leg);
    this.#connectLegs();
  }

  addJournal(journal: CallJournal): void {
    this.journals.add(journal);
    for (const leg of this.legs) if (leg.media !== undefined) journal.join(leg, leg.media);
  }

  /** Two legs hear each other; one alone hears nothing; for more there is no mixer yet. */
  #connectLegs(): void {
    const [a, b, ...more] = [...this.legs].filter((leg) => leg.media !== undefined);
    const isPair = a !== undefined && b !== undefined && more.length === 0;
    for (const leg of this.legs) {
      const before = leg.relay?.to;
      const other = leg === a ? b : leg === b ? a : undefined;
      leg.relay = isPair && other !== undefined ? relayBetween(leg, other) : undefined;
      // A refreshed session goes on as it was; whoever is new, or was on hold, begins a run.
      if (leg.relay !== undefined && leg.relay.to !== before) leg.relay.to.beginRun();
    }
  }
}

function relayBetween(from: Leg, to: Leg): Relay | undefined {
  const source = from.media;
  const target = to.media;
  if (source === undefined || target === undefined || !to.canSend) return undefined;
  const payloadTypes = new Int16Array(128).fill(-1);
  const pairs: [number | undefined, number | undefined][] = [
    [source.auxiliary.comfortNoise, target.auxiliary.comfortNoise],
    [source.auxiliary.telephoneEvent, target.auxiliary.telephoneEvent],
  ];
  for (const [ours, theirs] of pairs) {
    if (ours !== undefined && theirs !== undefined) payloadTypes[ours] = theirs;
  }
  if (isRecodable(source.format, target.format)) {
    payloadTypes[source.format.payloadType] = target.format.payloadType;
  }
  return { to, payloadTypes, table: tableBetween(source.format.codec, target.format.codec) };
}

function isRecodable(a: AudioFormat, b: AudioFormat): boolean {
  return a.clockRateHz === b.clockRateHz && (a.codec === b.codec || areG711(a.codec, b.codec));
}

function areG711(a: CodecName, b: CodecName): boolean {
  return isG711(a) && isG711(b);
}

function tableBetween(from: CodecName, to: CodecName): Uint8Array | undefined {
  return isG711(from) && isG711(to) ? g711Map(from, to) : undefined;
}
