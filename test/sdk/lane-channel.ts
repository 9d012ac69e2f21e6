import { createInterface } from 'node:readline';

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/**
 * The end of a lane that runs on Node: says something to the driver, and gives its answer. Rejects with the answer's
 * `error`.
 */
export async function tellDriver<T>(message: unknown): Promise<T> {
  console.log(JSON.stringify(message));
  const { value, done } = await answers.next();
  if (done === true) throw new Error('the driver has gone');
  const answer = JSON.parse(value) as T & { readonly error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
