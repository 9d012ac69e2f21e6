import * as fs from 'node:fs';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from '../core/error.ts';
import type { Disk, DiskFile, OpenMode } from '../core/ports/disk.ts';
import { loadCachedRead, type CachedRead } from './cached-read.ts';

// Plain descriptors: `writeSync` needs one, and nothing closes them behind the owner's back.
const openFile = promisify(fs.open);
const closeFile = promisify(fs.close);
const statFile = promisify(fs.fstat);
const truncateFile = promisify(fs.ftruncate);
const syncData = promisify(fs.fdatasync);
const syncAll = promisify(fs.fsync);

const OPEN_FLAGS = {
  read: fs.constants.O_RDONLY,
  update: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
} as const satisfies Record<OpenMode, number>;

/** Recordings are nobody else's business. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** The file system of the machine. Everything but `writeSync` runs on libuv's threads. */
export const nodeDisk: Disk = {
  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    return new NodeDiskFile(await again(() => openFile(path, OPEN_FLAGS[mode], FILE_MODE)));
  },

  async makeDirectory(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
    if (first === undefined) return;
    // Else power loss could take the whole branch with everything that was synced in it.
    const top = dirname(resolve(first));
    for (let made = resolve(path); made !== top; made = dirname(made)) {
      await nodeDisk.syncDirectory(dirname(made));
    }
  },

  async list(path: string): Promise<readonly string[]> {
    return (await unlessMissing(readdir(path), [])).sort();
  },

  async sizeBytes(path: string): Promise<number | undefined> {
    return unlessMissing(
      stat(path).then((status) => status.size),
      undefined,
    );
  },

  async rename(from: string, to: string): Promise<void> {
    await rename(from, to);
  },

  async remove(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true });
  },

  async syncDirectory(path: string): Promise<void> {
    // Windows opens no directories; there, NTFS journals their entries by itself.
    if (process.platform === 'win32') return;
    const fd = await again(() => openFile(path, fs.constants.O_RDONLY));
    try {
      await again(() => syncAll(fd));
    } finally {
      await closeFile(fd);
    }
  },

  async freeBytes(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

/** The same, with files that have `readCached`, where the system has such a call. */
export async function openCachingDisk(): Promise<Disk> {
  const cachedRead = await loadCachedRead();
  return {
    ...nodeDisk,
    async open(path: string, mode: OpenMode): Promise<DiskFile> {
      const fd = await again(() => openFile(path, OPEN_FLAGS[mode], FILE_MODE));
      return new NodeDiskFile(fd, cachedRead);
    },
  };
}

class NodeDiskFile implements DiskFile {
  readonly #fd: number;
  readonly #cachedRead: CachedRead | undefined;
  #closing: Promise<void> | undefined;

  constructor(fd: number, cachedRead?: CachedRead) {
    this.#fd = fd;
    this.#cachedRead = cachedRead;
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.#assertOpen();
    for (let done = 0; done < bytes.byteLength;) {
      try {
        done += fs.writeSync(this.#fd, bytes, done, bytes.byteLength - done, position + done);
      } catch (error) {
        if (systemCode(error) !== 'EINTR') throw error;
      }
    }
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.byteLength;) {
      this.#assertOpen();
      const start = done;
      done += await again(() => this.#writeSome(bytes, start, position + start));
    }
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.byteLength) {
      this.#assertOpen();
      const start = done;
      const count = await again(() => this.#readSome(into, start, position + start));
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  readCached(into: Uint8Array, position: number): number {
    this.#assertOpen();
    return this.#cachedRead?.(this.#fd, into, position) ?? 0;
  }

  async sizeBytes(): Promise<number> {
    this.#assertOpen();
    return (await statFile(this.#fd)).size;
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#assertOpen();
    await again(() => truncateFile(this.#fd, sizeBytes));
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    await again(() => syncData(this.#fd));
  }

  close(): Promise<void> {
    // Never repeated: after EINTR the descriptor is gone on Linux, and may be another file's.
    this.#closing ??= closeFile(this.#fd);
    return this.#closing;
  }

  /** A closed descriptor's number may belong to another file by now. */
  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw Object.assign(new Error('EBADF: the file is closed'), { code: 'EBADF' });
  }

  #writeSome(bytes: Uint8Array, start: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#fd, bytes, start, bytes.byteLength - start, position, (error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }

  #readSome(into: Uint8Array, start: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, into, start, into.byteLength - start, position, (error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }
}

/** Repeats a call that a signal interrupted; libuv does so itself for most, but not for reads. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (systemCode(error) !== 'EINTR') throw error;
    }
  }
}

async function unlessMissing<T, U>(promise: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await promise;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
