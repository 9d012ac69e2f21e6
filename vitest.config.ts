import { defineConfig, type ViteUserConfig as UserConfig } from 'vitest/config';
import { COMPILE_CACHE } from './test/compile-cache.ts';

const config: UserConfig = defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'test/unit/**/*.test.ts',
      'test/sdk/**/*.test.ts',
      'test/e2e/**/*.test.ts',
      'test/faults/**/*.test.ts',
      'tools/**/*.test.ts',
    ],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores are what CI has; more forks only make timers late.
    maxWorkers: 2,
  },
});

export default config;
