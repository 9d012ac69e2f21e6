import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../core/error.ts';

const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/**
 * Reads a secret that only this server's user may read, and makes it on the first start. The file
 * is there whole or not at all; of two processes that start at once both get the same secret.
 * Rejects with the system's error if it can be neither read nor made.
 *
 * @param make called only when there is no file; its result is what the file will hold.
 */
export async function loadOrCreateSecret(
  path: string,
  make: () => string | Promise<string>,
): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const unfinished = await writeUnfinished(path, make);
  try {
    await link(unfinished, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
  return await readFile(path, 'utf8');
}

/**
 * Puts `text` in the place of what the file holds, whole or not at all, and durably. Rejects with
 * the system's error.
 */
export async function replaceSecret(path: string, text: string): Promise<void> {
  const unfinished = await writeUnfinished(path, () => text);
  await rename(unfinished, path);
  const directory = await open(dirname(path));
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The new content beside the file, synced; its path. */
async function writeUnfinished(
  path: string,
  make: () => string | Promise<string>,
): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  const unfinished = `${path}.${process.pid}.new`;
  await rm(unfinished, { force: true });
  const file = await open(unfinished, 'wx', OWNER_ONLY);
  try {
    await file.writeFile(await make());
    await file.sync();
  } finally {
    await file.close();
  }
  return unfinished;
}
