import { dirname } from 'node:path';
import type { Disk, DiskFile, OpenMode } from '../../core/ports/disk.ts';
import { FileContent, type Change } from './file-content.ts';

/** A file's content as programs see it, and what the medium has of it. */
type Inode = { seen: FileContent; durable: FileContent; unsynced: Change[] };

type Fault = { readonly operation: Operation; readonly code: string; skip: number };
export type Operation = 'open' | 'write' | 'read' | 'sync' | 'truncate' | 'syncDirectory';

/** Picks a whole number from 0 to `below − 1`: what power loss leaves is drawn with it. */
export type Choose = (below: number) => number;

/**
 * A disk in memory for tests. What was not synced may be lost, kept or torn by `losePower`; it
 * fills up at `capacityBytes` with a short write and `ENOSPC`, as a real one does.
 */
export class SimulatedDisk implements Disk {
  /** Bytes all files together may have. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  #seen = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  /** Durable at once: nobody's promise rests on an empty directory. */
  readonly #directories = new Set<string>();
  readonly #faults: Fault[] = [];
  /** Handles opened before a power loss are dead. */
  #boot = 0;
  syncs = 0;
  /** Turns of the event loop's promises that a sync takes. */
  syncTurns = 1;

  /** The next `operation` after `skip` others of its kind fails with Node's `code`. */
  failNext(operation: Operation, code: string, skip = 0): void {
    this.#faults.push({ operation, code, skip });
  }

  clearFaults(): void {
    this.#faults.length = 0;
  }

  get usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.#seen.values())) used += inode.seen.sizeBytes;
    return used;
  }

  /** The content of a file as programs see it. */
  content(path: string): Uint8Array | undefined {
    return this.#seen.get(path)?.seen.view.slice();
  }

  /** Puts a file there, durable, as if it had always been. */
  put(path: string, bytes: Uint8Array): void {
    const inode = newInode(bytes);
    this.#seen.set(path, inode);
    this.#durable.set(path, inode);
  }

  /**
   * The machine loses power and comes back. By default nothing is left but what was synced; with
   * `choose`, each unsynced write may have reached the medium, in part or whole, in any order, and
   * each change of a directory may have.
   */
  losePower(choose?: Choose): void {
    this.#boot += 1;
    const survivors = new Map(this.#durable);
    if (choose !== undefined) {
      for (const path of new Set([...this.#seen.keys(), ...this.#durable.keys()])) {
        const inode = this.#seen.get(path);
        if (inode === this.#durable.get(path) || choose(2) === 0) continue;
        if (inode === undefined) survivors.delete(path);
        else survivors.set(path, inode);
      }
    }
    for (const inode of new Set(survivors.values())) {
      for (const change of inode.unsynced) {
        if (choose !== undefined) applyPart(inode.durable, change, choose);
      }
      inode.seen = new FileContent(inode.durable.view);
      inode.unsynced = [];
    }
    this.#seen = survivors;
    this.#durable = new Map(survivors);
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    await this.#turn('open');
    const existing = this.#seen.get(path);
    if (mode === 'create') {
      if (existing !== undefined) throw systemError('EEXIST', path);
      if (!this.#isDirectory(dirname(path))) throw systemError('ENOENT', path);
      const inode = newInode();
      this.#seen.set(path, inode);
      return this.#handle(inode, true);
    }
    if (existing === undefined) throw systemError('ENOENT', path);
    return this.#handle(existing, mode === 'update');
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#turn();
    for (let at = path; at !== dirname(at); at = dirname(at)) this.#directories.add(at);
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#turn();
    const prefix = `${path}/`;
    const names = new Set<string>();
    for (const entry of [...this.#seen.keys(), ...this.#directories]) {
      if (entry.startsWith(prefix)) names.add(entry.slice(prefix.length).split('/', 1)[0] ?? '');
    }
    return [...names].sort();
  }

  async sizeBytes(path: string): Promise<number | undefined> {
    await this.#turn();
    return this.#seen.get(path)?.seen.sizeBytes;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#turn();
    const inode = this.#seen.get(from);
    if (inode === undefined) throw systemError('ENOENT', from);
    this.#seen.delete(from);
    this.#seen.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    await this.#turn();
    for (const entry of [...this.#seen.keys()]) {
      if (entry === path || entry.startsWith(`${path}/`)) this.#seen.delete(entry);
    }
    for (const entry of [...this.#directories]) {
      if (entry === path || entry.startsWith(`${path}/`)) this.#directories.delete(entry);
    }
  }

  async syncDirectory(path: string): Promise<void> {
    const turns = this.syncTurns;
    for (let turn = 1; turn < turns; turn += 1) await this.#turn();
    await this.#turn('syncDirectory');
    for (const entry of [...this.#durable.keys()]) {
      if (dirname(entry) === path && !this.#seen.has(entry)) this.#durable.delete(entry);
    }
    for (const [entry, inode] of this.#seen) {
      if (dirname(entry) === path) this.#durable.set(entry, inode);
    }
  }

  async freeBytes(_path: string): Promise<number> {
    await this.#turn();
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  #isDirectory(path: string): boolean {
    if (this.#directories.has(path)) return true;
    return [...this.#seen.keys()].some((entry) => entry.startsWith(`${path}/`));
  }

  #handle(inode: Inode, writable: boolean): DiskFile {
    const boot = this.#boot;
    let isOpen = true;
    const check = (operation: Operation): void => {
      this.#throwFault(operation);
      if (!isOpen || boot !== this.#boot) throw systemError('EBADF', operation);
      if (!writable && operation !== 'read') throw systemError('EBADF', operation);
    };
    const writeSync = (bytes: Uint8Array, position: number): void => {
      check('write');
      const growth = position + bytes.byteLength - inode.seen.sizeBytes;
      const short = Math.max(0, Math.min(growth, this.usedBytes + growth - this.capacityBytes));
      const kept = new Uint8Array(bytes.subarray(0, bytes.byteLength - short));
      if (kept.byteLength > 0) change(inode, { kind: 'write', position, bytes: kept });
      if (short > 0) throw systemError('ENOSPC', 'write');
    };
    return {
      writeSync,
      write: async (bytes, position) => {
        await this.#turn();
        writeSync(bytes, position);
      },
      read: async (into, position) => {
        await this.#turn();
        check('read');
        const bytes = inode.seen.view.subarray(position, position + into.byteLength);
        into.set(bytes);
        return bytes.byteLength;
      },
      sizeBytes: async () => {
        await this.#turn();
        check('read');
        return inode.seen.sizeBytes;
      },
      truncate: async (sizeBytes) => {
        await this.#turn();
        check('truncate');
        change(inode, { kind: 'truncate', sizeBytes });
      },
      sync: async () => {
        // What is written while it runs need not be on the medium.
        const covered = new Set(inode.unsynced);
        const turns = this.syncTurns;
        for (let turn = 0; turn < turns; turn += 1) await this.#turn();
        check('sync');
        this.syncs += 1;
        for (const change of inode.unsynced) {
          if (covered.has(change)) inode.durable.apply(change);
        }
        inode.unsynced = inode.unsynced.filter((change) => !covered.has(change));
      },
      close: async () => {
        isOpen = false;
        await this.#turn();
      },
    };
  }

  /** Every operation takes a turn of the event loop's promises, as the real one does. */
  async #turn(operation?: Operation): Promise<void> {
    await Promise.resolve();
    if (operation !== undefined) this.#throwFault(operation);
  }

  #throwFault(operation: Operation): void {
    const fault = this.#faults.find((fault) => fault.operation === operation);
    if (fault === undefined || fault.skip-- > 0) return;
    this.#faults.splice(this.#faults.indexOf(fault), 1);
    throw systemError(fault.code, operation);
  }
}

function newInode(bytes?: Uint8Array): Inode {
  return { seen: new FileContent(bytes), durable: new FileContent(bytes), unsynced: [] };
}

function change(inode: Inode, change: Change): void {
  inode.seen.apply(change);
  inode.unsynced.push(change);
}

/** Whole, not at all, or torn at any byte. */
function applyPart(content: FileContent, change: Change, choose: Choose): void {
  const outcome = choose(3);
  if (outcome === 0) return;
  if (outcome === 1 || change.kind === 'truncate') {
    content.apply(change);
    return;
  }
  content.apply({
    ...change,
    bytes: change.bytes.subarray(0, choose(change.bytes.byteLength + 1)),
  });
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
