import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export type BaresipOptions = {
  /** User part of its address, and of its credentials. */
  readonly user: string;
  readonly password: string;
  /** `host:port` of the server it registers with. */
  readonly registrar: string;
  /** UDP and TCP; baresip takes the next port for TLS as well. */
  readonly sipPort: number;
  readonly controlPort: number;
  /** From which its RTP ports are taken, 100 of them. */
  readonly rtpPort: number;
  readonly codec: 'pcmu' | 'pcma' | 'G722/16000/1' | 'opus/48000/2' | 'L16/16000/1';
  /** Mono 16-bit WAV that it speaks into its call. */
  readonly speaks: string;
  /** Of `speaks`; at the codec's own rate baresip has not to resample, which costs it level. Default 8,000. */
  readonly speaksHz?: number;
  /** `host:port` that its requests go to instead. */
  readonly outbound?: string;
  /** Default `udp`. */
  readonly transport?: 'udp' | 'tcp' | 'tls';
  /** PEM of the authority that the server has to be certified by. */
  readonly caFile?: string;
  /**
   * SRTP with keys in SDP, or no call; `optional`: keys beside an offer of plain RTP, which not everybody
   * reads. Default plain RTP.
   */
  readonly srtp?: boolean | 'optional';
  /** Packets wait so long before they are heard, so that those that a busy machine holds up are. Default 100. */
  readonly waitsMs?: number;
};

const REGISTER_MS = 10_000;
/** Modules of Debian's package; the directory has the machine's triplet nowhere. */
const MODULES = '/usr/lib/baresip/modules';

/** A headless baresip, registered with digest, that answers by itself and keeps what it hears. */
export class Baresip {
  readonly #child: ChildProcess;
  readonly #control: Socket;
  readonly #directory: string;
  readonly #events: Record<string, unknown>[] = [];
  readonly #trace: readonly string[];
  #buffer = '';

  private constructor(
    child: ChildProcess,
    control: Socket,
    directory: string,
    trace: readonly string[],
  ) {
    this.#trace = trace;
    this.#child = child;
    this.#control = control;
    this.#directory = directory;
    control.setEncoding('utf8').on('data', (text: string) => {
      this.#read(text);
    });
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    const directory = await mkdtemp(join(tmpdir(), 'baresip-'));
    await mkdir(join(directory, 'heard'));
    await writeFile(join(directory, 'config'), profile(options, directory));
    await writeFile(join(directory, 'accounts'), account(options));
    await writeFile(join(directory, 'contacts'), '');
    // With -s it writes every SIP message to its output.
    const child = spawn('baresip', ['-4', '-s', '-f', directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const trace: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => trace.push(text));
    try {
      await registered(child);
      return new Baresip(child, await connectWhenUp(options.controlPort), directory, trace);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Every SIP message that it sent and got, and what else it printed. */
  get trace(): string {
    return this.#trace.join('');
  }

  /** Dials. */
  call(uri: string): void {
    this.#command('dial', uri);
  }

  /** Dials and waits until the call is up. */
  async dial(uri: string): Promise<void> {
    this.#command('dial', uri);
    await this.event('CALL_ESTABLISHED');
  }

  hold(): void {
    this.#command('hold');
  }

  resume(): void {
    this.#command('resume');
  }

  /** From now on it sends silence; or, if it does, what it speaks. */
  mute(): void {
    this.#command('mute');
  }

  hangUp(): void {
    this.#command('hangup');
  }

  /** Waits for an event of this type that was not waited for yet. */
  async event(type: string, timeoutMs = 10_000): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (performance.now() < until) {
      const at = this.#events.findIndex((event) => event['type'] === type);
      if (at >= 0) {
        this.#events.splice(at, 1);
        return;
      }
      await delay(20);
    }
    const seen = this.#events.map((event) => String(event['type'])).join(', ');
    throw new Error(`baresip did not report ${type}; it reported: ${seen}`);
  }

  /** Path of what the last call brought here, as decoded by baresip. */
  async heard(): Promise<string> {
    const files = (await readdir(join(this.#directory, 'heard'))).filter((name) =>
      name.endsWith('-dec.wav'),
    );
    const last = files.sort().at(-1);
    if (last === undefined) throw new Error('baresip has heard nothing');
    return join(this.#directory, 'heard', last);
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#command('quit');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(killer);
    this.#control.destroy();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: command });
    this.#control.write(`${Buffer.byteLength(text)}:${text},`);
  }

  /** Netstrings: `<length>:<JSON>,`. */
  #read(text: string): void {
    this.#buffer += text;
    for (;;) {
      const length = /^(\d+):/.exec(this.#buffer);
      if (length === null) return;
      const start = length[0].length;
      const end = start + Number(length[1]);
      if (this.#buffer.length < end + 1) return;
      this.#events.push(JSON.parse(this.#buffer.slice(start, end)) as Record<string, unknown>);
      this.#buffer = this.#buffer.slice(end + 1);
    }
  }
}

/** The least and the most, in packets of 20 ms. */
function waiting(waitsMs: number): string {
  return `${waitsMs / 20}-${waitsMs / 5}`;
}

function profile(options: BaresipOptions, directory: string): string {
  const settings: Record<string, string> = {
    poll_method: 'epoll',
    sip_listen: `127.0.0.1:${options.sipPort}`,
    audio_source: `aufile,${options.speaks}`,
    audio_player: 'aubridge,sink',
    audio_alert: 'aubridge,sink',
    ausrc_srate: String(options.speaksHz ?? 8_000),
    ausrc_channels: '1',
    auplay_srate: '8000',
    auplay_channels: '1',
    ausrc_format: 's16',
    auplay_format: 's16',
    auenc_format: 's16',
    audec_format: 's16',
    rtp_ports: `${options.rtpPort}-${options.rtpPort + 99}`,
    module_path: MODULES,
    ...(options.caFile === undefined ? {} : { sip_cafile: options.caFile }),
    ...(options.waitsMs === undefined ? {} : { jitter_buffer_delay: waiting(options.waitsMs) }),
    // It would write a line ten times a second.
    statmode_default: 'off',
    ctrl_tcp_listen: `127.0.0.1:${options.controlPort}`,
    snd_path: join(directory, 'heard'),
  };
  const modules = ['g711', 'g722', 'opus', 'l16', 'aufile', 'aubridge', 'sndfile', 'srtp'].map(
    (name) => `module ${name}.so`,
  );
  const temporary = ['module_tmp uuid.so', 'module_tmp account.so'];
  const applications = ['module_app menu.so', 'module_app ctrl_tcp.so'];
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return [...lines, ...modules, ...temporary, ...applications, ''].join('\n');
}

function account(options: BaresipOptions): string {
  const parameters = [
    `audio_codecs=${options.codec}`,
    `auth_pass=${options.password}`,
    'regint=60',
    'answermode=auto',
    ...(options.outbound === undefined ? [] : [`outbound="sip:${options.outbound}"`]),
    ...(options.srtp === true ? ['mediaenc=srtp-mand'] : []),
    ...(options.srtp === 'optional' ? ['mediaenc=srtp'] : []),
  ].join(';');
  const transport = options.transport ?? 'udp';
  return `<sip:${options.user}@${options.registrar};transport=${transport}>;${parameters}\n`;
}

/** The event of the registration may be over before anybody can connect: the output says it too. */
function registered(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => {
      reject(new Error(`baresip did not register:\n${output}`));
    }, REGISTER_MS);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (!/ 200 OK /.test(output)) return;
      clearTimeout(timer);
      resolve();
    });
    child.on('exit', () => {
      clearTimeout(timer);
      reject(new Error(`baresip ended:\n${output}`));
    });
  });
}

async function connectWhenUp(port: number): Promise<Socket> {
  for (let attempt = 0; ; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      if (attempt === 100) throw error;
      await delay(50);
    }
  }
}
