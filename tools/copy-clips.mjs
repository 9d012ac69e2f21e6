// The compiler copies no WAVs: the clips of the simulated phones go beside their module in the build.
import { cpSync } from 'node:fs';

cpSync(
  new URL('../src/sim/clips', import.meta.url),
  new URL('../dist/sim/clips', import.meta.url),
  {
    recursive: true,
  },
);
