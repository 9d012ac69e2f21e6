export type OpenMode =
  /** Reading only; the file must exist. */
  | 'read'
  /** Reading and writing; the file must exist. */
  | 'update'
  /** Reading and writing; the file must not exist. */
  | 'create';

/**
 * The disk calls of journal and storage, as a port (the database has `SqlEngine`): a simulated disk can tear writes,
 * fill up and forget what was not synced. Rejections are Node's own errors (`code` `ENOSPC`, …).
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Creates the directory and its parents; no error if it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Names in the directory, sorted; empty if it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** Size in bytes, or `undefined` if there is no such file. */
  sizeBytes(path: string): Promise<number | undefined>;
  /** Replaces what `to` names; durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; no error if it is gone already. */
  remove(path: string): Promise<void>;
  /** Makes renames, creations and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes an unprivileged process can still write on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
}

export interface DiskFile {
  /**
   * Writes all of `bytes` at `position` before it returns (page cache; not durable).
   * For hot paths that hand over one large buffer at a time. Throws Node's error.
   */
  writeSync(bytes: Uint8Array, position: number): void;
  /** Writes all of `bytes` at `position` (page cache; not durable). */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Fills `into` from `position`; resolves with the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /**
   * As `read`, before it returns and from what is in memory already: 0 where the disk would have to be
   * waited for, or if that cannot be told. Not every file has it.
   */
  readCached?(into: Uint8Array, position: number): number;
  sizeBytes(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  /** Data, and as much metadata as reading it back needs, are on the medium (fdatasync). */
  sync(): Promise<void>;
  /** Idempotent. Does not sync. */
  close(): Promise<void>;
}
