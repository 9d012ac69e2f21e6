import type { RecordingAdmin } from '../../core/ports/call-service.ts';
import type { Routes } from '../routes.ts';
import { limitOf, PageQuery } from './page.ts';
import { toAuditBody } from './recording-models.ts';

/** `GET /admin/audit`: who did what with recordings, newest first. */
export function auditRoutes(routes: Routes, admin: Pick<RecordingAdmin, 'audit'>): void {
  routes.get('/admin/audit', { schema: { querystring: PageQuery } }, async (request) => {
    const { before } = request.query;
    const rows = await admin.audit({
      limit: limitOf(request.query),
      ...(before !== undefined && { before: Date.parse(before) }),
    });
    return { value: rows.map(toAuditBody) };
  });
}
