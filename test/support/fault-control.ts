import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REPEAT_MS = 1000;

type Worker = 'media' | 'prompt' | 'render';

/** Makes workers of a server in another process die or stand still; see fault-hooks.mjs. */
export class FaultControl {
  readonly #directory = mkdtempSync(join(tmpdir(), 'tapedeck-faults-'));
  readonly #socket: string = join(this.#directory, 'socket');

  /** Environment in which the server has to be started. */
  get environment(): Readonly<Record<string, string>> {
    const hooks = new URL('fault-hooks.mjs', import.meta.url).href;
    return { NODE_OPTIONS: `--import=${hooks}`, FAULT_SOCKET: this.#socket };
  }

  /** Every worker of this kind throws. */
  async die(worker: Worker): Promise<void> {
    await this.#command(`die ${worker}`);
  }

  /** Every worker of this kind throws when it is asked for something. */
  async doom(worker: Worker): Promise<void> {
    await this.#command(`doom ${worker}`);
  }

  /** Nothing runs in the workers of this kind for so long. */
  async stall(worker: Worker, forMs: number): Promise<void> {
    await this.#command(`stall ${worker} ${forMs}`);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Resolves when a worker has it; one that is only being started does not hear the first words. */
  async #command(line: string): Promise<void> {
    const socket = connect(this.#socket);
    await once(socket, 'connect');
    const heard = once(socket, 'data');
    const saying = setInterval(() => socket.write(`${line}\n`), REPEAT_MS);
    socket.write(`${line}\n`);
    await heard;
    clearInterval(saying);
    socket.destroy();
  }
}
