import { defineConfig } from 'vitest/config'

// The longer proofs: the same things as the tests, for longer and harder. `npm run proof`. Each names its own timeout;
// these are for what a proof starts and stops around itself.
export default defineConfig({
  test: {
    include: ['test/**/*.proof.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
})
