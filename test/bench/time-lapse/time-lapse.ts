import type { SleepingNetwork } from '../../../src/bridge/datagram/sleeping-network.ts';
import { expedite, receiveWaiting } from '../../../src/bridge/datagram/sleeping-network.ts';
import type { Clock, Timer } from '../../../src/core/ports/clock.ts';
import type {
  BindOptions,
  DatagramNetwork,
  DatagramSocket,
  SocketAddress,
} from '../../../src/core/ports/datagram.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';

const PACKET_MS = 20;
const PACKET_TICKS = 160;
const RTP_HEADER_BYTES = 12;
/** Streams that were heard so recently go on during a lapse. */
const HEARD_US = 200_000;
/** After so much media other work of the thread gets a turn: syncs, new segments. */
const TURN_MS = 1_000;

type PendingTimer = { dueUs: number; readonly fire: () => void; real: Timer };

/** The stream that a socket receives, and how it goes on. */
type LapsedStream = {
  readonly options: BindOptions;
  readonly packet: Uint8Array;
  packetBytes: number;
  from: SocketAddress;
  heardAtUs: number;
  /** Packets that were made up so far: later ones are renumbered by them. */
  madeUp: number;
};

/**
 * Hours of a call in seconds. Clock and network of a media worker, with which a lapse moves time
 * on in steps of 20 ms and goes on with each stream that is heard, its timers included; so the
 * packets take the same way as any others. Before and after it is as the real ones.
 */
export class TimeLapse {
  readonly clock: Clock;
  readonly network: DatagramNetwork & SleepingNetwork;
  readonly #real: DatagramNetwork;
  readonly #streams = new Set<LapsedStream>();
  readonly #timers = new Set<PendingTimer>();
  #aheadUs = 0;
  #isLapsing = false;

  constructor(real: DatagramNetwork) {
    this.#real = real;
    this.clock = {
      nowMs: () => systemClock.nowMs() + this.#aheadUs / 1000,
      monotonicUs: () => systemClock.monotonicUs() + this.#aheadUs,
      setTimer: (delayMs, fire) => this.#setTimer(delayMs, fire),
    };
    this.network = {
      bind: (options) => this.#bind(options),
      close: () => real.close(),
      expedite: (work) => {
        expedite(real, work);
      },
      receiveWaiting: () => {
        // What comes during a lapse is later than all that is made up.
        if (!this.#isLapsing) receiveWaiting(real);
      },
    };
  }

  /** Resolves when `lapseMs` have gone by for the worker and what is on its sockets. */
  by(lapseMs: number): Promise<void> {
    const lapsed = this.#lapse(lapseMs);
    expedite(this.#real, lapsed);
    return lapsed;
  }

  async #lapse(lapseMs: number): Promise<void> {
    for (let doneMs = 0; doneMs < lapseMs; doneMs += PACKET_MS) {
      this.#isLapsing = true;
      try {
        this.#step();
      } finally {
        this.#isLapsing = false;
      }
      if (doneMs % TURN_MS === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #step(): void {
    this.#aheadUs += PACKET_MS * 1000;
    const nowUs = this.clock.monotonicUs();
    const heardSinceUs = systemClock.monotonicUs() - HEARD_US;
    for (const stream of this.#streams) {
      if (stream.heardAtUs < heardSinceUs) continue;
      stream.madeUp += 1;
      renumber(stream.packet, 1);
      // The receiver may overwrite what it gets.
      const copy = stream.packet.slice(0, stream.packetBytes);
      stream.options.receive(copy, stream.from, nowUs);
    }
    for (const timer of this.#timers) {
      if (timer.dueUs > nowUs) continue;
      timer.real.cancel();
      this.#timers.delete(timer);
      timer.fire();
    }
  }

  #setTimer(delayMs: number, fire: () => void): Timer {
    const timer: PendingTimer = {
      dueUs: this.clock.monotonicUs() + delayMs * 1000,
      fire,
      real: systemClock.setTimer(delayMs, () => {
        this.#timers.delete(timer);
        fire();
      }),
    };
    this.#timers.add(timer);
    return {
      cancel: () => {
        timer.real.cancel();
        this.#timers.delete(timer);
      },
    };
  }

  async #bind(options: BindOptions): Promise<DatagramSocket> {
    const stream: LapsedStream = {
      options,
      packet: new Uint8Array(2048),
      packetBytes: 0,
      from: { address: '', port: 0 },
      heardAtUs: Number.NEGATIVE_INFINITY,
      madeUp: 0,
    };
    const socket = await this.#real.bind({
      ...options,
      receive: (data, from, arrivalUs) => {
        this.#receive(stream, data, from, arrivalUs);
      },
    });
    return {
      local: socket.local,
      // What was made up is for the journal; phones hear real packets only.
      send: (data, to) => this.#isLapsing || socket.send(data, to),
      connect: (peer) => {
        socket.connect(peer);
      },
      close: () => {
        this.#streams.delete(stream);
        socket.close();
      },
    };
  }

  #receive(stream: LapsedStream, data: Uint8Array, from: SocketAddress, arrivalUs: number): void {
    if (isRtp(data) && data.length <= stream.packet.length) {
      renumber(data, stream.madeUp);
      stream.packet.set(data);
      stream.packetBytes = data.length;
      stream.from = from;
      stream.heardAtUs = arrivalUs;
      this.#streams.add(stream);
    }
    stream.options.receive(data, from, arrivalUs + this.#aheadUs);
  }
}

/** Version 2, and not one of the packet types of RTCP (RFC 5761 §4). */
function isRtp(data: Uint8Array): boolean {
  const type = data[1] ?? 0;
  return data.length > RTP_HEADER_BYTES && (data[0] ?? 0) >> 6 === 2 && (type < 192 || type > 223);
}

function renumber(data: Uint8Array, packets: number): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  view.setUint16(2, (view.getUint16(2) + packets) & 0xffff);
  view.setUint32(4, (view.getUint32(4) + packets * PACKET_TICKS) >>> 0);
}
