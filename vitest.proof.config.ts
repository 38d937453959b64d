import { defineConfig } from 'vitest/config'

// The longer proofs: the same things as the tests, for longer and harder. `npm run proof`.
export default defineConfig({
  test: { include: ['test/**/*.proof.ts'], pool: 'forks', fileParallelism: false },
})
