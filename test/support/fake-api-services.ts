import { Readable } from 'node:stream';
import type { ApiServices } from '../../src/api/app.ts';
import { Repeatability } from '../../src/api/repeatability.ts';
import { TapedeckError } from '../../src/core/error.ts';
import { phoneNumber } from '../../src/core/identifier.ts';
import type { CallConnectionId, DocumentId, RecordingId } from '../../src/core/ids.ts';
import { CALL_ROLES, type Principal } from '../../src/core/application.ts';
import type { BotCalls } from '../../src/core/ports/bot-calls.ts';
import type {
  CallService,
  ConnectionProperties,
  OpenContent,
  Repeat,
} from '../../src/core/ports/call-service.ts';
import { defect, type Parsed } from '../../src/core/result.ts';
import { SILENT_LOGGER, type LogFields } from '../../src/core/ports/log.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { RepeatabilityRecord } from '../../src/core/records.ts';
import type { TokenDefect } from '../../src/identity/access-tokens.ts';
import { AdminToken } from '../../src/identity/admin-token.ts';
import {
  CallbackTokens,
  makeSigningKey,
  VENDOR_ISSUER,
} from '../../src/identity/callback-tokens.ts';
import { derivedKey } from '../../src/identity/derived-key.ts';
import { HmacAuthenticator } from '../../src/identity/hmac-authenticator.ts';
import { SignedIds } from '../../src/identity/signed-ids.ts';
import { SignedLinks } from '../../src/identity/signed-links.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';

export const ACCESS_KEY: string = Buffer.from('an access key for tests').toString('base64');
export const ADMIN_TOKEN = 'admin-token-for-tests';
/** Made once: it takes a while. */
const SIGNING_KEY = makeSigningKey();

export const DOCUMENT_ID = '0-td-1-ab12' as DocumentId;

export const BOT_CALL_ID = '2f0b5d77-0f7b-4bb6-8b7c-5d0a0c6a1e42';
export const BOT_OPERATION_ID = '5b3f0c1e-7d41-4a0e-9a35-2f6f0f6a9c11';

export type FakeApi = {
  readonly services: ApiServices;
  /** Method name and command of every use case that was asked for, in order. */
  readonly asked: { readonly name: string; readonly command: unknown }[];
  /** Errors to throw once instead of answering, by method name. */
  readonly failing: Map<string, TapedeckError>;
  readonly file: { bytes: Buffer; removed: boolean; closed: number };
  readonly warnings: LogFields[];
  /** As new, for the next test. */
  reset(): void;
};

/** The bot of `Bearer bot`; that of `Bearer nobody` may do nothing. */
export const BOT_ID = 'aaaaaaaa-1111-4222-8333-444444444444';

/** `Bearer bot`, `Bearer nobody`, or `Bearer` and why it is no token. */
function botOf(authorization: string | undefined): Parsed<Principal, TokenDefect> {
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  const principal = { applicationId: BOT_ID, tenantId: 'tenant', application: undefined };
  switch (token) {
    case undefined:
      return defect('missing');
    case 'bot':
      return { ok: true, value: { ...principal, roles: CALL_ROLES } };
    case 'nobody':
      return { ok: true, value: { ...principal, roles: [] } };
    default:
      return defect(token as TokenDefect);
  }
}

/** All that the API needs, in memory, with a record of what it was asked to do. */
export async function makeFakeApi(
  ownHosts: readonly string[],
  clock: Clock = systemClock,
): Promise<FakeApi> {
  const asked: FakeApi['asked'] = [];
  const failing: FakeApi['failing'] = new Map();
  const stored = new Map<string, RepeatabilityRecord>();
  const file = { bytes: Buffer.from('RIFF0123456789'), removed: false, closed: 0 };
  const ids = new SignedIds('node-1', derivedKey('secret', 'ids'), systemRandom);

  const perform = async <Result>(
    name: string,
    command: {
      readonly repeat?: Repeat<Result>;
      readonly recordingId?: RecordingId;
      readonly operationContext?: string;
    },
    result: Result,
  ): Promise<Result> => {
    asked.push({ name, command });
    await Promise.resolve();
    const failure = failing.get(name);
    failing.delete(name);
    if (failure !== undefined) throw failure;
    if (command.repeat !== undefined) {
      const { key, answer } = command.repeat;
      stored.set(key, { key, ...answer(result), storedAtMs: clock.nowMs() });
    }
    return result;
  };
  const properties = (callConnectionId: CallConnectionId): ConnectionProperties => ({
    callConnectionId,
    serverCallId: ids.serverCallId(),
    correlationId: 'correlation',
    state: 'connecting',
    callbackUri: 'https://app.test/events',
    targets: [phoneNumber('+15550100')],
    sourceCallerIdNumber: '+15550199',
  });
  const participants = [{ identifier: phoneNumber('+15550100'), isMuted: false, isOnHold: false }];
  const present = (): void => {
    if (file.removed) throw new TapedeckError('content-not-found', 'Recording content expired.');
  };

  const openFile = async (mediaType: string): Promise<OpenContent> => {
    await Promise.resolve();
    present();
    return {
      sizeBytes: file.bytes.length,
      mediaType,
      range: (start, end) => Readable.from([file.bytes.subarray(start, end + 1)]),
      close: () => {
        file.closed += 1;
        return Promise.resolve();
      },
    };
  };

  const forBot = <Result>(name: string, result: Result) => {
    return (command: object): Promise<Result> =>
      perform<Result>(`bots.${name}`, { ...command }, result);
  };
  const bots: BotCalls = {
    create: forBot('create', { id: BOT_CALL_ID, state: 'establishing' }),
    answer: forBot('answer', undefined),
    reject: forBot('reject', undefined),
    call: forBot('call', { id: BOT_CALL_ID, state: 'established' }),
    end: forBot('end', undefined),
    keepAlive: forBot('keepAlive', undefined),
    playPrompt: forBot('playPrompt', { id: BOT_OPERATION_ID, status: 'running' }),
    cancelMediaProcessing: forBot('cancelMediaProcessing', {
      id: BOT_OPERATION_ID,
      status: 'completed',
    }),
    operation: forBot('operation', { id: BOT_OPERATION_ID, status: 'running' }),
    participants: forBot('participants', []),
    participant: forBot('participant', { id: BOT_OPERATION_ID }),
    calls: forBot('calls', []),
    redirect: forBot('redirect', undefined),
    transfer: forBot('transfer', undefined),
    recordResponse: forBot('recordResponse', { id: BOT_OPERATION_ID, status: 'running' }),
    subscribeToTone: forBot('subscribeToTone', { id: BOT_OPERATION_ID, status: 'completed' }),
    sendDtmfTones: forBot('sendDtmfTones', { id: BOT_OPERATION_ID, status: 'running' }),
    updateRecordingStatus: forBot('updateRecordingStatus', { id: BOT_OPERATION_ID }),
    mute: forBot('mute', { id: BOT_OPERATION_ID, status: 'completed' }),
    invite: forBot('invite', { id: BOT_OPERATION_ID, status: 'running' }),
    muteParticipant: forBot('muteParticipant', { id: BOT_OPERATION_ID, status: 'completed' }),
    removeParticipant: forBot('removeParticipant', undefined),
    startHoldMusic: forBot('startHoldMusic', { id: BOT_OPERATION_ID, status: 'running' }),
    stopHoldMusic: forBot('stopHoldMusic', { id: BOT_OPERATION_ID, status: 'completed' }),
  };

  /** By the token `token-of-it` only. */
  const opened = (token: string): void => {
    if (token !== 'token-of-it') throw new TapedeckError('signature-invalid', 'not this token');
    present();
  };
  const calls: CallService = {
    bots,
    responses: {
      openResponse: async (_documentId, token) => {
        await Promise.resolve();
        opened(token);
        return openFile('application/octet-stream');
      },
      removeResponse: async (_documentId, token) => {
        await Promise.resolve();
        opened(token);
        file.removed = true;
      },
    },
    createCall: (command) => perform('createCall', command, properties(ids.callConnectionId())),
    answer: (command) => perform('answer', command, properties(ids.callConnectionId())),
    redirect: (command) => perform('redirect', command, undefined),
    reject: (command) => perform('reject', command, undefined),
    connection: (id) => perform('connection', {}, properties(id)),
    hangUp: () => perform('hangUp', {}, undefined),
    terminate: (command) => perform('terminate', command, undefined),
    participants: () => perform('participants', {}, participants),
    participant: (_id, rawId) => {
      const found = participants.find(({ identifier }) => identifier.rawId === rawId);
      asked.push({ name: 'participant', command: rawId });
      return found === undefined
        ? Promise.reject(new TapedeckError('participant-not-found', `Nobody is ${rawId}.`))
        : Promise.resolve(found);
    },
    startRecording: (command) =>
      perform('startRecording', command, { recordingId: ids.recordingId(), state: 'active' }),
    recording: (recordingId) => perform('recording', {}, { recordingId, state: 'active' }),
    pauseRecording: () => perform('pauseRecording', {}, undefined),
    resumeRecording: () => perform('resumeRecording', {}, undefined),
    stopRecording: () => perform('stopRecording', {}, undefined),
    calls: () => Promise.resolve([]),
    control: {
      connect: (command) => perform('connect', command, properties(ids.callConnectionId())),
      addParticipant: (command) =>
        perform('addParticipant', command, {
          participant: { identifier: command.participant, isMuted: false, isOnHold: false },
          invitationId: 'invitation-1',
        }),
      cancelAddParticipant: (command) => perform('cancelAddParticipant', command, undefined),
      removeParticipant: (command) => perform('removeParticipant', command, undefined),
      muteParticipant: (command) => perform('muteParticipant', command, undefined),
      moveParticipants: (command) => perform('moveParticipants', command, participants),
      transfer: (command) => perform('transfer', command, undefined),
      hold: (command) => perform<undefined>('hold', command, undefined),
      unhold: (command) => perform<undefined>('unhold', command, undefined),
    },
    operations: {
      play: (command) => perform<undefined>('play', command, undefined),
      cancelAll: (command) => perform<undefined>('cancelAll', command, undefined),
      recognize: (command) => perform<undefined>('recognize', command, undefined),
      startContinuousDtmf: (command) =>
        perform<undefined>('startContinuousDtmf', command, undefined),
      stopContinuousDtmf: (command) => perform<undefined>('stopContinuousDtmf', command, undefined),
      sendDtmf: (command) => perform('sendDtmf', command, undefined),
      startMediaStreaming: (command) =>
        perform<undefined>('startMediaStreaming', command, undefined),
      stopMediaStreaming: (command) => perform<undefined>('stopMediaStreaming', command, undefined),
    },
    content: {
      open: (_id, actor) => {
        asked.push({ name: 'open', command: actor });
        return openFile('audio/wav');
      },
      peaks: () => openFile('application/json'),
      metadata: async (_id, actor) => {
        asked.push({ name: 'metadata', command: actor });
        await Promise.resolve();
        present();
        return '{"chunkIndex":0}';
      },
      remove: async (_id, actor) => {
        asked.push({ name: 'remove', command: actor });
        await Promise.resolve();
        present();
        file.removed = true;
      },
    },
    admin: {
      renderAgain: (recordingId, format, actor) =>
        perform('renderAgain', { ...{ format, actor }, recordingId }, []),
      removeRecording: (recordingId, actor) =>
        perform('removeRecording', { ...{ actor }, recordingId }, undefined),
      details: () =>
        Promise.reject(new TapedeckError('recording-not-found', 'Recording not found.')),
      audit: () => Promise.resolve([]),
    },
  };
  const warnings: LogFields[] = [];
  const log = { ...SILENT_LOGGER, warn: (fields: LogFields) => void warnings.push(fields) };
  const services: ApiServices = {
    calls,
    ids,
    log,
    hmac: new HmacAuthenticator({ accessKeys: [ACCESS_KEY], ownHosts }, clock, log),
    adminToken: new AdminToken(ADMIN_TOKEN),
    accessTokens: {
      verify: (authorization, resource) =>
        Promise.resolve(resource === 'graph' ? botOf(authorization) : defect('signature-invalid')),
    },
    tokenService: undefined,
    links: new SignedLinks(derivedKey('secret', 'links'), clock),
    callbackTokens: await CallbackTokens.create(
      { privateKey: SIGNING_KEY, issuer: VENDOR_ISSUER, resourceId: 'resource' },
      clock,
      systemRandom,
    ),
    notificationTokens: {
      keys: () => Promise.resolve({ keys: [] }),
      openIdConfiguration: (keysUrl) => ({ jwks_uri: keysUrl }),
    },
    repeatability: new Repeatability({ repeated: (key) => Promise.resolve(stored.get(key)) }),
    recordings: {
      omittedTypes: 'service',
      maxChannels: 5,
      containers: {
        check: (url) => {
          asked.push({ name: 'checkContainer', command: url });
          const failure = failing.get('checkContainer');
          failing.delete('checkContainer');
          if (failure !== undefined) throw failure;
        },
      },
    },
    permitsAddress: (address) => !address.startsWith('10.'),
    publicUrl: () => 'https://localhost:8443',
    admin: {
      ledger: {
        recordings: () => Promise.resolve([]),
        chunksOf: () => Promise.resolve([]),
        chunk: (documentId) =>
          Promise.resolve(
            documentId === DOCUMENT_ID
              ? {
                  documentId,
                  recordingId: ids.recordingId(),
                  index: 0,
                  purpose: 'session',
                  format: { container: 'wav', channels: 'mixed' },
                  channels: 1,
                  blobKey: 'b',
                  peaksKey: 'p',
                  sizeBytes: file.bytes.length,
                  durationMs: 1,
                  sha256: '',
                  endReason: 'SessionEnded',
                  metadata: '{}',
                  createdAtMs: 0,
                  expiresAtMs: undefined,
                  deletedAtMs: undefined,
                  purgedAtMs: undefined,
                }
              : undefined,
          ),
      },
      outbox: {
        events: () => Promise.resolve([]),
        event: () => Promise.resolve(undefined),
        redeliver: () => Promise.resolve(0),
      },
      subscriptions: {
        list: () => Promise.resolve([]),
        put: (request) =>
          Promise.resolve({
            ...request,
            state: 'pending',
            origin: 'admin',
            validationCode: 'secret',
            createdAtMs: 0,
          }),
        remove: () => Promise.resolve(false),
        confirm: (_name, code) => Promise.resolve(code === 'secret'),
      },
      simulatedCallers: {
        start: (call) => {
          asked.push({ name: 'sim', command: call });
          return Promise.resolve({ callId: 'sip-call-id' });
        },
      },
      clock,
    },
  };
  const reset = (): void => {
    asked.length = 0;
    warnings.length = 0;
    failing.clear();
    stored.clear();
    Object.assign(file, { bytes: Buffer.from('RIFF0123456789'), removed: false, closed: 0 });
  };
  return { services, asked, failing, file, warnings, reset };
}
