import { expect, test } from 'vitest';
import { dumpJournal } from './dump.ts';
import { segmentName } from './format.ts';
import { DIRECTORY, openTestJournal, settle, STREAM } from './testing/open-journal.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

const FIRST = `${DIRECTORY}/${segmentName(0)}`;

async function dump(
  disk: SimulatedDisk,
  path = DIRECTORY,
): Promise<{ readonly whole: boolean; readonly lines: readonly string[] }> {
  let text = '';
  const { whole } = await dumpJournal(path, (more) => void (text += more), disk);
  expect(text.endsWith('\n')).toBe(true);
  return { whole, lines: text.trimEnd().split('\n') };
}

/** An RTP packet: PCMU, marker set, sequence 1000, timestamp 160, SSRC 0x0a0b0c0d. */
const RTP = Buffer.from('808003e8000000a00a0b0c0dffff', 'hex');

async function sample(): Promise<{ disk: SimulatedDisk; secondBlockAt: number }> {
  const { writer, disk } = await openTestJournal();
  writer.joined({ ...STREAM, participantId: 'evil\u001b[2J\u009b' }, 1_000_000);
  writer.packet(1, 1_020_000, RTP);
  writer.flush();
  const secondBlockAt = (await disk.sizeBytes(FIRST)) ?? 0;
  writer.packet(1, 1_040_000, Buffer.from('short'), true);
  writer.anchor(1, 1_050_000, 0x0a0b0c0d, 320, 1_040_000);
  writer.tone(1, 1_055_000, 11, 160);
  writer.tick(1_060_000);
  await writer.end('stopped', 2_000_000);
  return { disk, secondBlockAt };
}

test('a journal is printed with times, streams, RTP fields and the state of each block', async () => {
  const { disk, secondBlockAt } = await sample();
  const { whole, lines } = await dump(disk);
  expect(whole).toBe(true);
  expect(lines.map((line) => line.trim())).toEqual([
    `segment ${FIRST}  crc ok`,
    'format 1.0  index 0  recording "recording-1"  node "node-1"  started 2026-01-01T00:00:00.000Z',
    expect.stringMatching(/^block at \d+ {2}bytes=\d+ {2}crc=[0-9a-f]{8} ok$/),
    '1.000000  #1 joined leg="leg-1" participant="evil\\u001b[2J\\u009b" codec="PCMU"/8000 pt=0 telephone-event=101',
    '1.020000  #1 packet pt=0 seq=1000 ts=160 ssrc=0x0a0b0c0d marker bytes=14',
    expect.stringMatching(new RegExp(`^block at ${secondBlockAt} `)),
    '1.040000  #1 packet not-rtp bytes=5 played',
    '1.050000  #1 anchor ssrc=0x0a0b0c0d ts=320 place=1.040000',
    '1.055000  #1 tone event=11 duration=160ms',
    '1.060000   - tick',
    '2.000000   - ended reason="stopped" at=2026-01-01T00:00:02.000Z',
  ]);
});

test('a stream is printed with its codec, its clock, and whether the server is its source', async () => {
  const { writer, disk } = await openTestJournal();
  const L16 = { codec: 'L16', clockRateHz: 16_000, payloadType: 96 } as const;
  const opus = { codec: 'opus', clockRateHz: 48_000, payloadType: 111 } as const;
  const auxiliary = { telephoneEvent: undefined, comfortNoise: undefined };
  const application = '28:acs:resource';
  writer.joined({ ...STREAM, ...opus, stream: 0, auxiliary }, 0);
  writer.joined({ ...STREAM, ...L16, participantId: application, auxiliary, played: true }, 0);
  writer.packet(1, 20_000, RTP, true);
  await writer.end('stopped', 1_000_000);
  const { lines } = await dump(disk);
  const ofStreams = lines.map((line) => line.trim()).filter((line) => line.includes('#'));
  expect(ofStreams).toEqual([
    '0.000000  #0 joined leg="leg-1" participant="8:acs:resource_user" codec="opus"/48000 pt=111',
    '0.000000  #1 joined leg="leg-1" participant="28:acs:resource" codec="L16"/16000 pt=96 played',
    '0.020000  #1 packet pt=0 seq=1000 ts=160 ssrc=0x0a0b0c0d marker bytes=14 played',
  ]);
});

test('one segment can be printed alone', async () => {
  const { disk } = await sample();
  expect(await dump(disk, FIRST)).toEqual(await dump(disk));
});

test('a journal cut or corrupted at any byte is printed up to the damage, which is named with its place', async () => {
  const { disk, secondBlockAt } = await sample();
  const whole = disk.content(FIRST) ?? new Uint8Array();
  for (let at = 0; at < whole.byteLength; at += 1) {
    const corrupt = whole.slice();
    corrupt[at] = (corrupt[at] ?? 0) ^ 0xff;
    for (const bytes of [whole.subarray(0, at), corrupt]) {
      const damaged = new SimulatedDisk();
      damaged.put(FIRST, bytes);
      const dumped = await dump(damaged);
      if (at === secondBlockAt && bytes !== corrupt) continue; // cut between blocks
      if (!dumped.whole)
        expect(dumped.lines.at(-1)).toMatch(/^!! (damage|incomplete block) at \d+/);
      else expect(dumped.lines.at(-1)).toMatch(/^-- no end/);
      if (at > secondBlockAt) expect(dumped.lines.at(-1)).toContain(` at ${secondBlockAt}: `);
    }
  }
});

test('a living journal is printed, and said to have no end', async () => {
  const { writer, disk } = await openTestJournal({ segmentBytes: 400 });
  for (let number = 0; number < 20; number += 1) {
    writer.packet(1, number, RTP);
    writer.flush();
    await settle();
  }
  const { whole, lines } = await dump(disk);
  expect(whole).toBe(true);
  expect(lines.filter((line) => line.includes('packet'))).toHaveLength(20);
  expect(lines.filter((line) => line.startsWith('segment')).length).toBeGreaterThan(1);
  expect(lines.at(-1)).toContain('no end');
});

test('a missing segment is told', async () => {
  const { writer, disk } = await openTestJournal({ segmentBytes: 300 });
  for (let number = 0; number < 40; number += 1) {
    writer.packet(1, number, RTP);
    writer.flush();
    await settle();
  }
  await writer.end('stopped', 41);
  await disk.remove(`${DIRECTORY}/${segmentName(1)}`);
  const { whole, lines } = await dump(disk);
  expect(whole).toBe(false);
  expect(lines.some((line) => line.startsWith('!! wrong-segment'))).toBe(true);
});

test('what is no journal is refused or named', async () => {
  const disk = new SimulatedDisk();
  await disk.makeDirectory(DIRECTORY);
  await expect(dump(disk)).rejects.toMatchObject({ code: 'journal-invalid' });
  disk.put('/data/other', Buffer.from('RIFF'));
  expect((await dump(disk, '/data/other')).lines.at(-1)).toBe('!! damage at 0: not-a-journal');
});
