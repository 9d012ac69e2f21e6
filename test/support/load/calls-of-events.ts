import type { EventReceiver } from '../event-receiver.ts';

/** Numbers of the generator's calls, whose callers are named by them. */
export function callsByServerCallId(from: EventReceiver): ReadonlyMap<string, number> {
  const calls = new Map<string, number>();
  for (const { type, data } of from.received) {
    const caller = /caller(\d+)@/.exec(JSON.stringify(data['user'] ?? ''));
    if (!type.endsWith('CallParticipantAdded') || caller === null) continue;
    calls.set(String(data['serverCallId']), Number(caller[1]));
  }
  return calls;
}
