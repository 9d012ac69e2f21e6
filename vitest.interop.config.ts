import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { COMPILE_CACHE } from './test/compile-cache.ts';

/** Suites whose other side `npm ci` does not bring: SIPp, baresip, Azurite. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The peers use fixed ports and the machine's cores: one suite after the other.
    fileParallelism: false,
  },
});

export default config;
