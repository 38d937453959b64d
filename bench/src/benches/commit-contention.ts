import { temporaryDirectory } from '@thaw/testing'
import { contend } from '../contention/writers.ts'
import { median, percentile, report } from '../report.ts'
import { startBenchServer } from '../server/server.ts'
import type { Bench } from './index.ts'

const PUT_MS = 20
const GET_MS = 10
const JITTER = 0.3
const ALONE_MS = 4_000
const TOGETHER_MS = 10_000
const ROUNDS = 2
const CROWDS = [8, 32]

/** Processes that all want to write to one database all the time, beside one that has it to itself. */
export const commitContention: Bench = {
  names: CROWDS.flatMap((writers) =>
    ['', '.least', '.most', '.p99', '.tries'].map((part) => `commit.contention${writers}${part}`),
  ),
  async run() {
    await using directory = await temporaryDirectory('thaw-bench')
    const server = await startBenchServer({
      putMs: PUT_MS,
      getMs: GET_MS,
      jitter: JITTER,
      seed: 'commit.contention',
    })
    try {
      const alone: number[] = []
      const latencies: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const [one] = await contend(server, `alone${round}`, 1, ALONE_MS, directory.path)
        if (!one) throw new Error('one writer gave no result')
        alone.push((one.latencies.length * 1_000) / ALONE_MS)
        latencies.push(...one.latencies)
      }
      for (const writers of CROWDS) {
        const results = await contend(server, `crowd${writers}`, writers, TOGETHER_MS, directory.path)
        const commits = results.map((result) => result.latencies.length)
        const total = commits.reduce((sum, n) => sum + n, 0)
        const fair = { what: 'its fair share', value: total / writers }
        const bench = `commit.contention${writers}`
        report({
          bench,
          value: (total * 1_000) / TOGETHER_MS,
          unit: 'tx/s',
          reference: { what: `one process alone, against ${server.description}`, value: median(alone) },
        })
        report({
          bench: `${bench}.least`,
          value: Math.min(...commits),
          unit: 'commits',
          reference: fair,
        })
        report({ bench: `${bench}.most`, value: Math.max(...commits), unit: 'commits', reference: fair })
        report({
          bench: `${bench}.p99`,
          value: percentile(
            results.flatMap((result) => [...result.latencies]),
            0.99,
          ),
          unit: 'ms',
          reference: {
            what: `${writers} transactions of one process alone`,
            value: writers * median(latencies),
          },
        })
        report({
          bench: `${bench}.tries`,
          value: results.reduce((sum, { tries }) => sum + tries, 0) / total,
          unit: 'tries/commit',
          reference: { what: 'no contention', value: 1 },
        })
      }
    } finally {
      await server.close()
    }
  },
}
