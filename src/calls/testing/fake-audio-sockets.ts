import type { AudioSocket, AudioSocketPort, SocketEnd } from '../../core/ports/audio-socket.ts';

/** The near end of a web socket, and what the test does at the far one. */
export class FakeAudioSocket implements AudioSocket {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sent: Record<string, unknown>[] = [];
  isClosed = false;
  /** It reads nothing any more. */
  isFull = false;
  onMessage: (text: string) => void = () => undefined;
  onClose: (reason: string, end: SocketEnd) => void = () => undefined;

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.url = url;
    this.headers = headers;
  }

  send(text: string): boolean {
    if (this.isFull || this.isClosed) return false;
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
    return true;
  }

  close(): void {
    this.isClosed = true;
  }

  /** The far side, or the network, ends it. */
  end(end: SocketEnd, reason = 'closed with 1'): void {
    this.isClosed = true;
    this.onClose(reason, end);
  }
}

/** Web sockets of applications: every attempt waits until the test decides. */
export class FakeAudioSockets implements AudioSocketPort {
  readonly opened: FakeAudioSocket[] = [];
  /** Asked for each attempt; at once, a socket, by default. */
  answer: (attempt: number, signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  attempts = 0;

  open: AudioSocketPort['open'] = async (url, headers, signal) => {
    this.attempts += 1;
    await this.answer(this.attempts, signal);
    const socket = new FakeAudioSocket(url, headers);
    this.opened.push(socket);
    return socket;
  };

  /** The latest. */
  get last(): FakeAudioSocket {
    const socket = this.opened.at(-1);
    if (socket === undefined) throw new Error('no web socket was opened');
    return socket;
  }
}
