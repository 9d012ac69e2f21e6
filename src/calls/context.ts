import type { Application } from '../core/application.ts';
import type { DocumentId, IdCodec } from '../core/ids.ts';
import type { AudioSocketPort } from '../core/ports/audio-socket.ts';
import type { BlobStore } from '../core/ports/blob-store.ts';
import type { CallMediaPort } from '../core/ports/call-media.ts';
import type { CallbackSigner } from '../core/ports/callback-signer.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { ContainerPort } from '../core/ports/export.ts';
import type { Fact, Ledger } from '../core/ports/ledger.ts';
import type { Logger } from '../core/ports/log.ts';
import type { MediaPort } from '../core/ports/media.ts';
import type { PromptPort } from '../core/ports/prompts.ts';
import type { Random } from '../core/ports/random.ts';
import type { ChannelPlan, RenderFormat, RenderPort } from '../core/ports/render.ts';
import type { ResponseTokens } from '../core/ports/response-recorder.ts';
import type { SignallingPort } from '../core/ports/signalling.ts';
import type { SubscriptionRecord } from '../core/records.ts';
import type { TrunkSetting } from './destinations.ts';
import type { DirectoryUser } from './directory.ts';
import type { Route } from './route.ts';

/** What the operator configured, as far as calls care. */
export type CallSettings = {
  /** The resource part of the communication users that we name, and of metadata. */
  readonly resourceId: string;
  /** Absolute path; journals lie below it. */
  readonly dataDirectory: string;
  readonly routes: readonly Route[];
  /** Whom routes give calls to by name. */
  readonly bots?: readonly Application[];
  readonly users: readonly DirectoryUser[];
  /** Ways out to numbers; of equal priority in the order in which they are tried. */
  readonly trunks: readonly TrunkSetting[];
  /** Host and port, as in a SIP URI, at which phones reach us; known once SIP is bound. */
  readonly sipAddress: () => string;
  /** SIP URI of the simulated phone of this raw id, if there is one. */
  readonly simulatedPhone: (rawId: string) => string | undefined;
  /** How long a call waits for an application. Default 60 s. */
  readonly answerTimeoutMs: number;
  /** How long a phone may ring when we call it. */
  readonly ringTimeoutMs: number;
  /** Of recordings started by the API; `undefined` = kept until deleted. */
  readonly retentionMs: number | undefined;
  /** Most channels of an unmixed recording, 1 to 32. */
  readonly unmixedChannels: number;
  /** What becomes of somebody who speaks when every channel is taken. */
  readonly overflow: ChannelPlan['overflow'];
  /** What becomes of what is played, in an unmixed recording. Default `leave-out`. */
  readonly played?: ChannelPlan['played'];
  /** A file of a recording ends after so much media, or before it grows beyond so many bytes. */
  readonly chunkDurationMs: number;
  readonly chunkSizeBytes: number;
  /** Pausing what is paused and resuming what is not. */
  readonly repeatedPause: 'accept' | 'refuse';
  /** What is said of a recording that is over. */
  readonly stateAfterEnd: 'inactive' | 'not-found';
  /** From the end of a recording on; `undefined` = as long as the recording is kept. */
  readonly keepJournalMs: number | undefined;
  readonly responses: ResponseSettings;
  /** Below this much free space no recording starts. */
  readonly minFreeBytes: number;
  /** What content locations start with, without a slash at the end; known once HTTPS is bound. */
  readonly contentBaseUrl: () => string;
};

/** Of responses that callers were asked for. */
export type ResponseSettings = {
  /** How long after its call a file stays. */
  readonly graceMs: number;
  /** They stay until they are deleted instead. */
  readonly isKept: boolean;
  readonly container: RenderFormat['container'];
  /** What their locations start with, without a slash at the end; known once HTTPS is bound. */
  readonly baseUrl: () => string;
};

/** The ports that the use cases stand on. */
export type CallPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly ids: IdCodec;
  readonly ledger: Ledger;
  readonly media: MediaPort;
  /** By the same workers as `media`. */
  readonly callMedia: CallMediaPort;
  readonly prompts: PromptPort;
  readonly audioSockets: AudioSocketPort;
  /** Of the handshakes of `audioSockets`. */
  readonly signer: CallbackSigner;
  readonly render: RenderPort;
  readonly blobs: BlobStore;
  readonly responseTokens: ResponseTokens;
  readonly containers: ContainerPort;
  readonly disk: Disk;
  readonly signalling: SignallingPort;
  readonly subscribersOf: (type: string) => readonly SubscriptionRecord[];
  /** The outbox has something new. */
  readonly wakeDelivery: () => void;
};

/** Where the journal of a recording lies; not taken from its row: the data directory may have moved. */
export function journalDirectory(settings: CallSettings, documentId: DocumentId): string {
  return `${journalsDirectory(settings)}/${documentId}`;
}

export function journalsDirectory(settings: CallSettings): string {
  return `${settings.dataDirectory}/journals`;
}

/** Commits facts and lets the delivery know when events are among them. */
export async function commitFacts(
  ports: Pick<CallPorts, 'ledger' | 'wakeDelivery'>,
  facts: readonly Fact[],
): Promise<void> {
  await ports.ledger.commit(facts);
  if (facts.some((fact) => fact.kind === 'event')) ports.wakeDelivery();
}
