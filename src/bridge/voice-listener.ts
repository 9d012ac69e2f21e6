import { TONES, type Tone } from '../core/tone.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { HeardVoices } from '../core/ports/media.ts';
import type { AudioDecoder } from '../media/codec.ts';
import { MOST_PACKET_SAMPLES, type Codecs } from '../media/codecs.ts';
import { SpeechPresence } from '../media/voice/speech-presence.ts';
import { RtpHeaderReader } from '../protocols/rtp/header.ts';
import type { JournalAppender, JournalSource, JournalTap } from './call-journal.ts';

const FRAME_US = 20_000;
/** A packet that is later than this is no jitter: nothing came in between. */
const GAP_US = 60_000;
/** When the next packet is so late it is not waited for any more. */
const MISSED_US = 120_000;

/** Shared by all: a packet is decoded and forgotten. */
const HEADER = new RtpHeaderReader();
const SAMPLES = new Int16Array(MOST_PACKET_SAMPLES);

/**
 * Hears what those who are recorded say while they say it: who speaks, since when, and which keys they
 * press. It hears them also before the recording begins, and so knows the noise of their lines.
 */
export class VoiceListener {
  readonly #codecs: Codecs;
  readonly #onChange: (isSpeaking: boolean, agoUs: number) => void;
  readonly #voices = new Map<JournalSource, Voice>();
  #beganUs: number | undefined;
  #isSpeaking = false;
  #changedUs = 0;
  #hasSpoken = false;
  #packets = 0;
  #tone: { readonly tone: Tone; readonly startUs: number } | undefined;
  /** Of those who are not heard any more. */
  #hasBrokenOff = false;

  /** @param onChange somebody began to speak, or nobody speaks any more; since `agoUs`. */
  constructor(codecs: Codecs, onChange: (isSpeaking: boolean, agoUs: number) => void) {
    this.#codecs = codecs;
    this.#onChange = onChange;
  }

  join(source: JournalSource, media: Pick<RemoteMedia, 'format'>): void {
    if (this.#voices.has(source)) return;
    const decoder = this.#codecs.decoder(media.format);
    const voice = new Voice(media.format.payloadType, decoder, this);
    this.#voices.set(source, voice);
    source.taps.push(voice.tap);
  }

  leave(source: JournalSource, nowUs: number): void {
    const voice = this.#voices.get(source);
    if (voice === undefined) return;
    this.#voices.delete(source);
    const at = source.taps.indexOf(voice.tap);
    if (at >= 0) source.taps.splice(at, 1);
    if (voice.isSpeaking) this.#hasBrokenOff = true;
    voice.close();
    this.changed(voice.heardUs, nowUs);
  }

  /** The recording begins with what is said from `atUs` on. */
  begin(atUs: number, nowUs: number): void {
    this.#beganUs = atUs;
    this.#isSpeaking = false;
    this.changed(atUs, nowUs);
  }

  /** Several times a second: who sends nothing says nothing. */
  tend(nowUs: number): void {
    for (const voice of this.#voices.values()) voice.tend(nowUs);
  }

  /** What is known up to now; times are those of the recording. */
  heard(nowUs: number): HeardVoices {
    const beganUs = this.#beganUs ?? nowUs;
    const inRecordingMs = (atUs: number): number => Math.max(0, (atUs - beganUs) / 1000);
    const voices = [...this.#voices.values()];
    return {
      lengthMs: inRecordingMs(nowUs),
      packets: this.#packets,
      ...(this.#hasSpoken &&
        !this.#isSpeaking && { silentSinceMs: inRecordingMs(this.#changedUs) }),
      hasBrokenOff: this.#hasBrokenOff || voices.some((voice) => voice.hasBrokenOff),
      ...(this.#tone !== undefined && {
        tone: { tone: this.#tone.tone, atMs: inRecordingMs(this.#tone.startUs) },
      }),
    };
  }

  /** Nobody is heard any more. Idempotent. */
  close(nowUs: number): void {
    for (const source of [...this.#voices.keys()]) this.leave(source, nowUs);
  }

  /** For its voices. */
  packet(arrivalUs: number): void {
    if (this.#beganUs !== undefined && arrivalUs >= this.#beganUs) this.#packets += 1;
  }

  tone(eventCode: number, startUs: number): void {
    const tone = TONES[eventCode];
    if (tone !== undefined) this.#tone = { tone, startUs };
  }

  /** A voice began or ceased at `atUs`. */
  changed(atUs: number, nowUs: number): void {
    if (this.#beganUs === undefined) return;
    let isSpeaking = false;
    for (const voice of this.#voices.values()) isSpeaking ||= voice.isSpeaking;
    if (isSpeaking === this.#isSpeaking) return;
    this.#isSpeaking = isSpeaking;
    this.#hasSpoken ||= isSpeaking;
    if (isSpeaking) this.#hasBrokenOff = false;
    this.#changedUs = Math.max(atUs, this.#beganUs);
    this.#onChange(isSpeaking, Math.max(0, nowUs - this.#changedUs));
  }
}

/** One of them, as a journal that is only listened to. */
class Voice implements JournalAppender {
  readonly tap: JournalTap = { writer: this, stream: 0, sinceUs: 0 };
  readonly #payloadType: number;
  readonly #decoder: AudioDecoder | undefined;
  readonly #presence: SpeechPresence;
  readonly #listener: VoiceListener;
  /** Place of the end of what was heard; `NaN` before the first packet. */
  #heardUs = NaN;

  constructor(payloadType: number, decoder: AudioDecoder | undefined, listener: VoiceListener) {
    this.#payloadType = payloadType;
    this.#decoder = decoder;
    this.#presence = new SpeechPresence(decoder?.sampleRateHz ?? 8000);
    this.#listener = listener;
  }

  get isSpeaking(): boolean {
    return this.#presence.isSpeaking;
  }

  get hasBrokenOff(): boolean {
    return this.#presence.hasBrokenOff;
  }

  get heardUs(): number {
    return this.#heardUs;
  }

  /** On the hot path. Packets that overtook each other are heard as they come: it is their loudness that counts. */
  packet(_stream: number, arrivalUs: number, datagram: Uint8Array): void {
    this.#listener.packet(arrivalUs);
    const decoder = this.#decoder;
    if (decoder === undefined || !HEADER.read(datagram)) return;
    if (HEADER.payloadType !== this.#payloadType) return;
    // A packet stands where the earliest ones say that it should: late ones move nothing.
    if (!(arrivalUs >= this.#heardUs)) this.#heardUs = arrivalUs;
    else if (arrivalUs - this.#heardUs > GAP_US) this.#skip(arrivalUs, arrivalUs);
    const { payloadOffset, payloadBytes } = HEADER;
    const payload = datagram.subarray(payloadOffset, payloadOffset + payloadBytes);
    const count = decoder.decode(payload, SAMPLES);
    this.#heardUs += (count / decoder.sampleRateHz) * 1_000_000;
    if (this.#presence.process(SAMPLES, count)) this.#tell(arrivalUs);
  }

  tone(
    _stream: number,
    _atUs: number,
    eventCode: number,
    _durationMs: number,
    startUs: number,
  ): void {
    this.#listener.tone(eventCode, startUs);
  }

  anchor(): void {
    // Places are its own affair.
  }

  tend(nowUs: number): void {
    if (nowUs - this.#heardUs > MISSED_US) this.#skip(nowUs - GAP_US, nowUs);
  }

  close(): void {
    this.#decoder?.close();
    this.#presence.isSpeaking = false;
  }

  #skip(untilUs: number, nowUs: number): void {
    const frames = Math.floor((untilUs - this.#heardUs) / FRAME_US);
    this.#heardUs += frames * FRAME_US;
    if (this.#presence.missed(frames)) this.#tell(nowUs);
  }

  #tell(nowUs: number): void {
    const changedUs = this.#heardUs - this.#presence.changedFramesAgo * FRAME_US;
    this.#listener.changed(changedUs, nowUs);
  }
}
