import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.ts';

export type SippPhoneOptions = {
  /** As `scenario` of sipp-scenario.ts makes it. */
  readonly scenario: string;
  /** SIP, over UDP. Default a free one. */
  readonly port?: number;
  /** `host:port` to call; without it SIPp waits to be called. */
  readonly target?: string;
  /** Whom it calls: user part of the request URI. */
  readonly service?: string;
  /** What `[name]` in the scenario stands for. */
  readonly keys?: Readonly<Record<string, string | number>>;
  /** One call by default. */
  readonly calls?: number;
  /** What comes during a pause is taken for lost, not for a mistake. */
  readonly isDeafInPauses?: boolean;
  /** It gives up then. Default 90 s. */
  readonly timeoutSeconds?: number;
};

/** A SIP message as SIPp has logged it, oldest first. */
export type LoggedMessage = {
  readonly direction: 'sent' | 'received';
  /** Request line or status line. */
  readonly start: string;
  /** Whole message. */
  readonly text: string;
  /** Unix time. */
  readonly atMs: number;
};

/** Exit code 0 means that the call went as the scenario says. */
export type SippResult = { readonly code: number; readonly errors: string };

const HOST = '127.0.0.1';
const POLL_MS = 20;
const PATIENCE_MS = 20_000;
const MESSAGES = 'messages.log';

/** SIPp in the background, with what it sends and receives at hand, and steps that wait for the test. */
export class SippPhone {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #ended: Promise<number>;

  private constructor(child: ChildProcess, port: number, directory: string) {
    this.#child = child;
    this.port = port;
    this.#directory = directory;
    this.#ended = once(child, 'exit').then(([code]) => (code as number | null) ?? -1);
  }

  /** Resolves when it runs, and listens if it is to be called. Rejects when SIPp is not installed. */
  static async start(options: SippPhoneOptions): Promise<SippPhone> {
    const directory = await mkdtemp(join(tmpdir(), 'tapedeck-sipp-'));
    await writeFile(join(directory, 'scenario.xml'), options.scenario);
    const port = options.port ?? (await freePort());
    const child = spawn('sipp', argumentsOf(options, port), { cwd: directory, stdio: 'ignore' });
    await once(child, 'spawn');
    const phone = new SippPhone(child, port, directory);
    await phone.#listening();
    return phone;
  }

  /** What was sent and received so far. */
  async messages(): Promise<readonly LoggedMessage[]> {
    const log = await readFile(join(this.#directory, MESSAGES), 'latin1').catch(() => '');
    return parseLog(log);
  }

  /** Those whose text matches: `^` is its beginning, but for a pattern of many lines. */
  async matching(direction: LoggedMessage['direction'], what: RegExp): Promise<LoggedMessage[]> {
    const all = await this.messages();
    return all.filter((message) => message.direction === direction && what.test(message.text));
  }

  /** The first message of this kind, or the `count`th, as soon as it is there. */
  async message(
    direction: LoggedMessage['direction'],
    what: RegExp,
    count = 1,
    patienceMs: number = PATIENCE_MS,
  ): Promise<LoggedMessage> {
    const giveUpAtMs = performance.now() + patienceMs;
    for (;;) {
      const found = (await this.matching(direction, what))[count - 1];
      if (found !== undefined) return found;
      if (performance.now() > giveUpAtMs || this.#child.exitCode !== null) {
        const starts = (await this.messages()).map((one) => `${one.direction} ${one.start}`);
        const errors = await this.#errors();
        throw new Error(
          `SIPp has not ${direction} ${String(what)}: ${starts.join('; ')} ${errors}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  /** Lets a scenario that waits at `untilTold(word)` go on. */
  async tell(word: string): Promise<void> {
    const { text } = await this.message('sent', /./);
    const callId = headerOf(text, 'Call-ID');
    const lines = [
      `${word} sip:${HOST}:${this.port} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HOST}:1;branch=z9hG4bK-${word}`,
      `From: <sip:test@${HOST}>;tag=test`,
      `To: <sip:sipp@${HOST}>`,
      `Call-ID: ${callId}`,
      `CSeq: 1 ${word}`,
      'Content-Length: 0',
      '',
      '',
    ];
    const socket = createSocket('udp4');
    await new Promise((resolve) => {
      socket.send(lines.join('\r\n'), this.port, HOST, resolve);
    });
    socket.close();
  }

  /** Resolves when it has gone, by itself. */
  async finished(): Promise<SippResult> {
    return { code: await this.#ended, errors: await this.#errors() };
  }

  /** Ends SIPp if it still runs, and forgets what it has logged. Idempotent. */
  async close(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.kill('SIGKILL');
    await this.#ended;
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #errors(): Promise<string> {
    const text = await readFile(join(this.#directory, 'errors.log'), 'utf8').catch(() => '');
    return text.slice(0, 4_000);
  }

  async #listening(): Promise<void> {
    const hex = this.port.toString(16).toUpperCase().padStart(4, '0');
    const bound = new RegExp(`^\\s*\\d+: 0100007F:${hex} `, 'm');
    while (
      this.#child.exitCode === null &&
      !bound.test(await readFile('/proc/net/udp', 'latin1'))
    ) {
      await delay(POLL_MS);
    }
  }
}

/** The first value of a header of a logged message; empty without one. */
export function headerOf(text: string, name: string): string {
  return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(text)?.[1] ?? '';
}

/** Where the sender of this SDP takes its media. */
export function mediaIn(text: string): { readonly address: string; readonly port: number } {
  const port = /^m=audio (\d+) /m.exec(text)?.[1];
  const address = /^c=IN IP4 (\S+)/m.exec(text)?.[1];
  if (port === undefined || address === undefined) throw new Error(`no media in ${text}`);
  return { address, port: Number(port) };
}

function argumentsOf(options: SippPhoneOptions, port: number): readonly string[] {
  const { target, service = 'service', keys = {}, calls = 1, timeoutSeconds = 90 } = options;
  return [
    ...['-sf', 'scenario.xml', ...(target === undefined ? [] : [target]), '-s', service],
    ...['-i', HOST, '-mi', HOST, '-ci', HOST, '-p', String(port), '-t', 'u1'],
    ...['-m', String(calls), '-l', String(calls), '-r', String(calls), '-nostdin'],
    ...['-timeout', `${timeoutSeconds}s`, '-timeout_error', '-max_socket', '1000'],
    // A busy machine is no error of a call's.
    ...['-watchdog_interval', '0'],
    ...['-trace_err', '-error_file', 'errors.log', '-trace_msg', '-message_file', MESSAGES],
    // What a scenario does not expect is an error that the test is told of; SIPp says nothing of its own.
    ...['-default_behaviors', 'none', '-nd'],
    ...(options.isDeafInPauses === true ? ['-pause_msg_ign'] : []),
    ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, String(value)]),
  ];
}

/** Blocks of a line of dashes with the time, a line that says what, and the message. */
function parseLog(log: string): LoggedMessage[] {
  const messages: LoggedMessage[] = [];
  for (const block of log.split(/^-{20,} */m).slice(1)) {
    const [time = '', kind = '', ...rest] = block.split(/\r?\n/);
    const direction = /message (sent|received)/.exec(kind)?.[1];
    const text = rest.join('\n').trimStart();
    if (direction !== 'sent' && direction !== 'received') continue;
    messages.push({
      direction,
      start: text.slice(0, text.indexOf('\n')),
      text,
      atMs: Date.parse(`${time.trim().slice(0, 10)}T${time.trim().slice(-15)}Z`),
    });
  }
  return messages;
}
