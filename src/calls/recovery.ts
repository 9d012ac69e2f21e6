import type { CallRecord, RecordingRecord } from '../core/records.ts';
import type { Fact } from '../core/ports/ledger.ts';
import { commitFacts, journalsDirectory, type CallPorts, type CallSettings } from './context.ts';
import type { CallEvents } from './events/call-events.ts';
import type { RecordingEvents } from './events/recording-events.ts';
import type { Finisher } from './finisher.ts';
import { identifierFromRawId } from '../core/identifier.ts';
import { LiveCall } from './live-call.ts';
import type { RecordingEndReason } from './recording-end.ts';
import type { Responses } from './responses/responses.ts';
import { DISCONNECTED } from './result-code.ts';

const ENDED_BY_CRASH: RecordingEndReason = 'ServerFailure';

export type RecoveryReport = {
  readonly calls: number;
  readonly recordings: number;
  /** Journals that no recording of the ledger owns: their start was never acknowledged. */
  readonly orphans: number;
};

/**
 * After a restart: phones of the earlier process get a BYE, applications and subscribers hear that
 * their calls and what they had asked for ended, and every recording is finished from its journal.
 */
export async function recover(parts: {
  readonly ports: CallPorts;
  readonly settings: CallSettings;
  readonly callEvents: CallEvents;
  readonly recordingEvents: RecordingEvents;
  readonly finisher: Finisher;
  readonly responses: Pick<Responses, 'recover'>;
}): Promise<RecoveryReport> {
  const { ports, callEvents, recordingEvents, finisher } = parts;
  const [unfinished, responses] = await Promise.all([
    ports.ledger.unfinished(),
    parts.responses.recover(),
  ]);
  const calls = new Map(unfinished.calls.map((call) => [call.serverCallId as string, call]));
  const nowMs = ports.clock.nowMs();

  for (const leg of unfinished.legs) {
    if (leg.dialog === undefined) continue;
    ports.signalling.endStored(leg.dialog).catch((error: unknown) => {
      ports.log.info({ legId: leg.legId, error }, 'a phone of the earlier process did not answer');
    });
  }

  const ended: RecordingRecord[] = unfinished.recordings.map((recording) => ({
    ...recording,
    state: 'finishing',
    endedAtMs: recording.endedAtMs ?? nowMs,
    endReason: recording.endReason ?? ENDED_BY_CRASH,
  }));
  const ran = new Set(
    unfinished.recordings
      .filter((recording) => recording.state !== 'finishing')
      .map((recording) => recording.recordingId),
  );
  const correlationOf = async (recording: RecordingRecord): Promise<string> =>
    calls.get(recording.serverCallId)?.correlationId ??
    (await ports.ledger.call(recording.serverCallId))?.correlationId ??
    '';

  const facts: Fact[] = [];
  for (const recording of ended) {
    facts.push({ kind: 'recording', record: recording });
    if (!ran.has(recording.recordingId)) continue;
    const correlationId = await correlationOf(recording);
    facts.push(...recordingEvents.stateChanged(recording, correlationId));
  }
  facts.push(
    ...unfinished.legs.map(
      (leg) => ({ kind: 'leg', record: { ...leg, state: 'ended', dialog: undefined } }) as const,
    ),
  );
  const operations = Map.groupBy(unfinished.operations, (one) => one.callConnectionId);
  for (const connection of unfinished.connections) {
    const correlationId = calls.get(connection.serverCallId)?.correlationId ?? '';
    const record = { ...connection, state: 'disconnected' } as const;
    facts.push({ kind: 'connection', record });
    // Before the end of the connection: nothing follows that.
    for (const { operationId, endings } of operations.get(record.callConnectionId) ?? []) {
      const data = responses.get(operationId)?.completion;
      for (const ending of endings) {
        const told = data === undefined ? ending : { ...ending, data };
        facts.push(...callEvents.operation({ correlationId }, record, told));
      }
    }
    facts.push(...callEvents.disconnectedByRestart(record, correlationId, DISCONNECTED.byRestart));
  }
  for (const { operationId } of unfinished.operations) {
    facts.push({ kind: 'operation-ended', operationId });
  }
  for (const record of responses.values()) facts.push({ kind: 'response', record });
  for (const call of calls.values()) facts.push(...endOfCall(call, nowMs, callEvents));
  await commitFacts(ports, facts);

  for (const recording of ended) {
    finisher.finish(recording, await correlationOf(recording), Promise.resolve());
  }
  const orphans = await removeOrphans(parts.settings, ports);
  return { calls: calls.size, recordings: ended.length, orphans };
}

function endOfCall(record: CallRecord, nowMs: number, events: CallEvents): readonly Fact[] {
  const call = new LiveCall({
    serverCallId: record.serverCallId,
    correlationId: record.correlationId,
    startedBy: identifierFromRawId(record.startedBy),
    createdAtMs: record.createdAtMs,
    state: 'ended',
  });
  call.connectedAtMs = record.connectedAtMs;
  call.endedAtMs = nowMs;
  call.groupCallId = record.groupCallId;
  const fact: Fact = { kind: 'call', record: call.record() };
  return record.state === 'connected'
    ? [fact, events.ended(call, DISCONNECTED.byRestart, undefined)]
    : [fact];
}

/** A journal is opened before its recording is committed; a crash in between leaves it behind. */
async function removeOrphans(settings: CallSettings, ports: CallPorts): Promise<number> {
  const directory = journalsDirectory(settings);
  // By name: the data directory may lie elsewhere than when the rows were written.
  const directories = await ports.ledger.journalDirectories();
  const known = new Set(directories.map((path) => path.slice(path.lastIndexOf('/') + 1)));
  let orphans = 0;
  for (const name of await ports.disk.list(directory)) {
    if (known.has(name)) continue;
    await ports.disk.remove(`${directory}/${name}`);
    orphans += 1;
  }
  return orphans;
}
