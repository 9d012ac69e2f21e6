import type { ServerProcess } from './server-process.ts';

/** Calls that the server holds for alive. */
export async function liveCalls(server: ServerProcess): Promise<number> {
  return valueOf(await metrics(server), 'tapedeck_live_calls');
}

/** RTP packets that came in and went out since its start. */
export async function relayedPackets(
  server: ServerProcess,
): Promise<{ readonly in: number; readonly out: number }> {
  const text = await metrics(server);
  return {
    in: valueOf(text, 'tapedeck_media_packets{direction="in"}'),
    out: valueOf(text, 'tapedeck_media_packets{direction="out"}'),
  };
}

/** The value behind a name with its labels, as Prometheus writes them. */
export async function metricOf(server: ServerProcess, name: string): Promise<number> {
  return valueOf(await metrics(server), name);
}

async function metrics(server: ServerProcess): Promise<string> {
  const response = await fetch(new URL('/metrics', server.ready.management));
  return response.text();
}

function valueOf(text: string, name: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  if (line === undefined) throw new Error(`the server has no metric ${name}`);
  return Number(line.slice(name.length + 1));
}
