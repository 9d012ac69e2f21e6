import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SrtpSuite } from '../../../src/core/media-format.ts';

export type LinphoneOptions = {
  /** UDP. */
  readonly sipPort: number;
  readonly rtpPorts: string;
  /** Mono 16-bit WAV that it speaks into its calls. */
  readonly speaks: string;
  /** The suite of SRTP that it offers, or plain RTP. */
  readonly srtp: SrtpSuite | 'none';
  /** The only codec that it offers. Default all of its own. */
  readonly codec?: 'PCMU' | 'PCMA';
  /** Packets wait so long before they are heard. Default: 60, and more where it finds that they come late. */
  readonly waitsMs?: number;
};

/** What linphonec offers if it is not told otherwise: encoding, clock rate, channels. */
const CODECS = [
  ['opus', 48_000, 2],
  ['speex', 16_000, 1],
  ['speex', 8_000, 1],
  ['PCMU', 8_000, 1],
  ['PCMA', 8_000, 1],
  ['G729', 8_000, 1],
] as const;
const READY_MS = 15_000;
const POLL_MS = 50;

/** A headless linphonec that is driven by its prompt. */
export class Linphone {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #output: string[] = [];

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#output.push(text));
  }

  static async start(options: LinphoneOptions): Promise<Linphone> {
    const directory = await mkdtemp(join(tmpdir(), 'linphone-'));
    for (const path of ['.local/share/linphone', '.config/linphone']) {
      await mkdir(join(directory, path), { recursive: true });
    }
    await writeFile(join(directory, 'rc'), profile(options));
    const child = spawn('linphonec', ['-c', join(directory, 'rc')], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, HOME: directory },
    });
    const phone = new Linphone(child, directory);
    await phone.says(/linphonec>/);
    phone.#command('ipv6 disable');
    phone.#command('soundcard use files');
    phone.#command(`play ${options.speaks}`);
    phone.#command(`record ${phone.heard}`);
    return phone;
  }

  /** Path of what it heard in its last call. */
  get heard(): string {
    return join(this.#directory, 'heard.wav');
  }

  get output(): string {
    return this.#output.join('');
  }

  /** Dials. */
  call(uri: string): void {
    this.#command(`call ${uri}`);
  }

  /** Dials and waits until the call is up. */
  async dial(uri: string): Promise<void> {
    this.call(uri);
    await this.says(/Call \d+ with .* (connected|answered)/i);
  }

  hold(): void {
    this.#command('pause');
  }

  resume(): void {
    this.#command('resume');
  }

  async hangUp(): Promise<void> {
    this.#command('terminate');
    await this.says(/Call \d+ with .* ended/i);
  }

  /** Waits until its output has this. */
  async says(pattern: RegExp): Promise<void> {
    const until = performance.now() + READY_MS;
    while (performance.now() < until) {
      if (pattern.test(this.output)) return;
      await delay(POLL_MS);
    }
    throw new Error(`linphonec did not say ${String(pattern)}:\n${this.output}`);
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#command('quit');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(killer);
    await rm(this.#directory, { recursive: true, force: true });
  }

  #command(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }
}

function profile({ sipPort, rtpPorts, srtp, codec, waitsMs }: LinphoneOptions): string {
  return [
    '[sip]',
    `sip_port=${sipPort}`,
    'sip_tcp_port=0',
    'sip_tls_port=0',
    'guess_hostname=0',
    'contact="Linphone" <sip:linphone@127.0.0.1>',
    ...(srtp === 'none'
      ? ['media_encryption=none']
      : ['media_encryption=srtp', `srtp_crypto_suites=${srtp}`]),
    'register_only_when_network_is_up=0',
    '[rtp]',
    `audio_rtp_port=${rtpPorts}`,
    ...(waitsMs === undefined
      ? []
      : [`audio_jitt_comp=${waitsMs}`, 'audio_adaptive_jitt_comp_enabled=0']),
    '[misc]',
    'config_download_url=',
    'version_check_url_root=',
    '[video]',
    'enabled=0',
    ...(codec === undefined ? [] : CODECS.flatMap(codecSection(codec))),
    '',
  ].join('\n');
}

const codecSection =
  (only: string) =>
  ([mime, rateHz, channels]: (typeof CODECS)[number], index: number): readonly string[] => [
    `[audio_codec_${index}]`,
    `mime=${mime}`,
    `rate=${rateHz}`,
    `channels=${channels}`,
    `enabled=${mime === only ? 1 : 0}`,
  ];
