import { openCommitAndPut } from '../commit/pair.ts'
import { median, report, timed } from '../report.ts'
import type { Bench } from './index.ts'

const PUT_MS = 20
const ROUNDS = 20
const PER_ROUND = 20

/** A one-row transaction, beside a bare PUT: the same request with as many bytes to the same server by the same client. */
export const commitLatency: Bench = {
  names: ['commit.latency'],
  async run() {
    await using pair = await openCommitAndPut(PUT_MS)
    const commits: number[] = []
    const puts: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < PER_ROUND; i++) puts.push(await timed(pair.put))
      for (let i = 0; i < PER_ROUND; i++) commits.push(await timed(pair.commit))
    }
    report({
      bench: 'commit.latency',
      value: median(commits),
      unit: 'ms',
      reference: { what: `a bare PUT of ${pair.bytes} bytes that takes ${PUT_MS} ms`, value: median(puts) },
    })
  },
}
