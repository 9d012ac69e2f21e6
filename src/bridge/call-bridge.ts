import type { ServerCallId } from '../core/ids.ts';
import {
  isG711,
  type AudioFormat,
  type CodecName,
  type RemoteMedia,
} from '../core/media-format.ts';
import type { LegControl } from '../core/ports/call-media.ts';
import type { CallJournal } from './call-journal.ts';
import { CallSounds, type SoundEvents } from './call-sounds.ts';
import { g711Map } from './g711-map.ts';
import type { Leg, Relay } from './leg.ts';
import { isSameFormat } from './leg-media.ts';
import { CallMixer, type MixerParts } from './mix/call-mixer.ts';
import { FRAME_US } from './mix/frame.ts';
import { relayedTypes } from './payload-tables.ts';

/**
 * The legs and journals of one call, and who hears whom: two legs of one format (or both of G.711) are relayed
 * packet by packet; whatever else there is to hear is mixed.
 */
export class CallBridge {
  readonly serverCallId: ServerCallId;
  readonly legs: Set<Leg> = new Set<Leg>();
  readonly journals: Set<CallJournal> = new Set<CallJournal>();
  /** Work that has to finish before the call is gone: ports or journals being opened. */
  readonly opening: Set<Promise<unknown>> = new Set<Promise<unknown>>();
  readonly sounds: CallSounds;
  isClosed = false;
  readonly #parts: MixerParts;
  #mixer: CallMixer | undefined;

  constructor(serverCallId: ServerCallId, parts: MixerParts, events: SoundEvents) {
    this.serverCallId = serverCallId;
    this.#parts = parts;
    this.sounds = new CallSounds(this.journals, events, () => {
      this.#connectLegs();
    });
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
    this.sounds.endUnheard(this.legs);
  }

  addJournal(journal: CallJournal): void {
    this.journals.add(journal);
    this.sounds.joinAll(journal);
    for (const leg of this.legs) if (leg.media !== undefined) journal.join(leg, leg.media);
  }

  #connectLegs(): void {
    const legs = [...this.legs].filter((leg) => leg.media !== undefined);
    const [a, b] = legs;
    const isQuiet = this.sounds.isEmpty;
    if (a !== undefined && b !== undefined && legs.length === 2 && isQuiet && areRelayable(a, b)) {
      this.#relay(a, b);
    } else if (legs.length > 1 || (legs.length === 1 && !isQuiet)) {
      this.#mix(legs);
    } else {
      // One alone hears nothing.
      this.#mixer?.close();
      this.#mixer = undefined;
      for (const leg of this.legs) leg.relay = undefined;
    }
  }

  #relay(a: Leg, b: Leg): void {
    const mixer = this.#mixer;
    this.#mixer = undefined;
    mixer?.drain(a, b);
    mixer?.close();
    for (const leg of this.legs) {
      const before = leg.relay?.to;
      const other = leg === a ? b : leg === b ? a : undefined;
      leg.relay = other === undefined ? undefined : relayBetween(leg, other);
      // A refreshed session goes on as it was, and so does what was mixed; whoever is new begins a run.
      if (mixer === undefined && leg.relay !== undefined && leg.relay.to !== before) {
        leg.relay.to.beginRun();
      }
    }
  }

  #mix(legs: readonly Leg[]): void {
    const { voices, streams } = this.sounds;
    const relayed = legs.filter((leg) => leg.relay !== undefined && legs.includes(leg.relay.to));
    for (const leg of this.legs) leg.relay = undefined;
    this.#mixer ??= new CallMixer(this.#parts, voices, streams, (frameUs) => {
      this.sounds.endDone(frameUs + FRAME_US);
    });
    this.#mixer.setLegs(legs);
    const [a, b] = relayed;
    if (a !== undefined && b !== undefined) this.#mixer.continueFrom(a, b);
    if (!this.sounds.isEmpty) this.#mixer.wake();
  }
}

function areRelayable(a: Leg, b: Leg): boolean {
  return (
    a.media !== undefined && b.media !== undefined && isRecodable(a.media.format, b.media.format)
  );
}

function relayBetween(from: Leg, to: Leg): Relay | undefined {
  const source = from.media;
  const target = to.media;
  if (source === undefined || target === undefined || !to.canSend) return undefined;
  const payloadTypes = relayedTypes(source, target, isRecodable(source.format, target.format));
  const table = tableBetween(source.format.codec, target.format.codec);
  return { to, sender: to.sender, payloadTypes, table };
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
