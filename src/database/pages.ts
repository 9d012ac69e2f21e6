/**
 * Reads all rows a page at a time, by key, so that no single statement holds the database for long.
 * `read` gives at most `limit` rows with keys above `after`, in the order of the keys.
 */
export async function pages<T>(
  limit: number,
  read: (
    after: string,
    limit: number,
  ) => Promise<readonly { readonly row: T; readonly key: string }[]>,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (let after = ''; ;) {
    const page = await read(after, limit);
    for (const { row, key } of page) {
      all.push(row);
      after = key;
    }
    if (page.length < limit) return all;
  }
}
