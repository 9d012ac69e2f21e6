import type { ServerProcess } from './server-process.ts';

/** Calls that the server holds for alive, by its metrics. */
export async function liveCalls(server: ServerProcess): Promise<number> {
  const response = await fetch(new URL('/metrics', server.ready.management));
  const value = /^tapedeck_live_calls (\d+)$/m.exec(await response.text());
  if (value === null) throw new Error('the server counts no live calls');
  return Number(value[1]);
}
