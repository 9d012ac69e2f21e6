import type { EventAnswer, Page } from './answers.ts';
import { words } from './arguments.ts';
import { table } from './table.ts';
import { adminClient, pageQuery, show, type VerbContext } from './verb.ts';

export async function listEvents(context: VerbContext): Promise<void> {
  words(context.arguments.positional, []);
  const path = `/admin/events${pageQuery(context)}`;
  const page = (await adminClient(context).ask('GET', path)) as Page<EventAnswer>;
  show(context, page.value, (events) =>
    table(
      ['OCCURRED', 'EVENT', 'STATE', 'ATTEMPTS', 'TYPE', 'DESTINATION'],
      events.flatMap((event) =>
        (event.deliveries.length === 0 ? [undefined] : event.deliveries).map((delivery) => [
          event.occurredAt,
          event.eventId,
          delivery?.state ?? '',
          String(delivery?.attemptCount ?? ''),
          event.type,
          delivery?.destination ?? '',
        ]),
      ),
    ),
  );
}

export async function showEvent(context: VerbContext): Promise<void> {
  const [id = ''] = words(context.arguments.positional, ['id of the event']);
  const path = `/admin/events/${encodeURIComponent(id)}`;
  const found = (await adminClient(context).ask('GET', path)) as EventAnswer;
  show(context, found, (event) => {
    const deliveries = event.deliveries.map((delivery) => {
      const next = delivery.nextAttemptAt === undefined ? '' : `, next ${delivery.nextAttemptAt}`;
      const attempts = (delivery.attempts ?? []).map((attempt) => [
        String(attempt.attempt),
        attempt.startedAt,
        `${attempt.durationMs} ms`,
        attempt.httpStatus === undefined ? '-' : String(attempt.httpStatus),
        attempt.error ?? '',
      ]);
      const header = ['ATTEMPT', 'STARTED', 'TOOK', 'STATUS', 'ERROR'];
      const rows = attempts.length === 0 ? '' : table(header, attempts);
      return `\n${delivery.destination}: ${delivery.state}${next}\n${rows}`;
    });
    const data = JSON.stringify(event.data, null, 2);
    const head = `${event.type}\n${event.occurredAt}  ${event.subject}\n${data}\n`;
    return head + deliveries.join('');
  });
}

export async function redeliverEvent(context: VerbContext): Promise<void> {
  const [id = ''] = words(context.arguments.positional, ['id of the event']);
  const path = `/admin/events/${encodeURIComponent(id)}/redeliver`;
  const answer = (await adminClient(context).ask('POST', path)) as { deliveries: number };
  show(context, answer, ({ deliveries }) => `delivering again to ${deliveries} destination(s)\n`);
}
