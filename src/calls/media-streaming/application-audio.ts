import type { CallMediaPort } from '../../core/ports/call-media.ts';
import type { Logger } from '../../core/ports/log.ts';
import { parseApplicationMessage } from './application-message.ts';

/** What may be on its way to the media worker; there a minute may wait to be heard. */
const MOST_UNDER_WAY_SECONDS = 60;

/** What an application sends to be heard in its call. */
export class ApplicationAudio {
  readonly #streamId: string;
  readonly #mostSamples: number;
  readonly #callMedia: Pick<CallMediaPort, 'feedStream' | 'flushStream'>;
  readonly #log: Logger;
  #underWaySamples = 0;
  #hasWarned = false;

  constructor(
    streamId: string,
    sampleRateHz: number,
    callMedia: Pick<CallMediaPort, 'feedStream' | 'flushStream'>,
    log: Logger,
  ) {
    this.#streamId = streamId;
    this.#mostSamples = MOST_UNDER_WAY_SECONDS * sampleRateHz;
    this.#callMedia = callMedia;
    this.#log = log;
  }

  /** Whatever the application sent; what is no message of its protocol is left out. */
  receive(text: string): void {
    const message = parseApplicationMessage(text);
    if (!message.ok) {
      this.#warn({ defect: message.defect }, 'a message on a media stream could not be understood');
      return;
    }
    if (message.value.is === 'audio') this.#feed(message.value.samples);
    else this.#watch(this.#callMedia.flushStream(this.#streamId));
  }

  #feed(samples: Int16Array): void {
    const { length } = samples;
    if (this.#underWaySamples + length > this.#mostSamples) {
      this.#warn({}, 'the application sends more audio than can be taken: it is dropped');
      return;
    }
    this.#underWaySamples += length;
    this.#watch(
      this.#callMedia.feedStream(this.#streamId, samples).finally(() => {
        this.#underWaySamples -= length;
      }),
    );
  }

  #watch(request: Promise<void>): void {
    request.catch((error: unknown) => {
      this.#warn({ error }, 'audio of an application did not reach its call');
    });
  }

  /** Once a stream: who sends such things sends many of them. */
  #warn(fields: Readonly<Record<string, unknown>>, sentence: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#log.warn(fields, sentence);
  }
}
