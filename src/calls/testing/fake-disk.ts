/** A disk with room, on which nothing lies but what tests put there. */
export class FakeDisk {
  freeByteCount = 1_000_000_000;
  readonly removed: string[] = [];
  readonly directories: Map<string, readonly string[]> = new Map();

  freeBytes(): Promise<number> {
    return Promise.resolve(this.freeByteCount);
  }

  /** As if the reserve were there already. */
  sizeBytes(): Promise<number | undefined> {
    return Promise.resolve(32 * 1024 * 1024);
  }

  list(path: string): Promise<readonly string[]> {
    return Promise.resolve(this.directories.get(path) ?? []);
  }

  remove(path: string): Promise<void> {
    this.removed.push(path);
    return Promise.resolve();
  }
}
