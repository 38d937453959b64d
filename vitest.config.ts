import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Many tests start processes, of which each would strip and compile the same sources again. It is inherited by all.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('./node_modules/.cache/compiled', import.meta.url))

export default defineConfig({
  test: {
    include: ['{packages,apps}/*/{src,test,sim}/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A machine may be busy: what is waited for is a condition, not a time.
    expect: { poll: { timeout: 15_000 } },
    pool: 'forks',
    // One core is left free by default, which of two leaves one: but much of what tests do is wait for other processes.
    maxWorkers: '100%',
  },
})
