import type { AuditAnswer, Page } from './answers.ts';
import { words } from './arguments.ts';
import { table } from './table.ts';
import { adminClient, pageQuery, show, type VerbContext } from './verb.ts';

/** Who read, made and deleted what, newest first. */
export async function listAudit(context: VerbContext): Promise<void> {
  words(context.arguments.positional, []);
  const path = `/admin/audit${pageQuery(context)}`;
  const page = (await adminClient(context).ask('GET', path)) as Page<AuditAnswer>;
  show(context, page.value, (rows) =>
    table(
      ['AT', 'ACTION', 'ACTOR', 'DOCUMENT', 'RECORDING'],
      rows.map((row) => [row.at, row.action, row.actor, row.documentId, row.recordingId]),
    ),
  );
}
