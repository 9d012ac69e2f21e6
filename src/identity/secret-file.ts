import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
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
  try {
    await link(unfinished, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
  return await readFile(path, 'utf8');
}
