import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from '@thaw/testing'
import { httpApiEvent } from '../../../packages/lambda/test/events.ts'
import { type Contestant, expressPeers, peers, thawExpress, thawHono } from '../adapter/adapters.ts'
import { bundleEntry } from '../adapter/bundle.ts'
import { browserHeaders } from '../adapter/requests.ts'
import { fastest } from '../adapter/versus.ts'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const ROUNDS = 25
const COLD = fileURLToPath(new URL('../cold', import.meta.url))
const EVENT = JSON.stringify(
  httpApiEvent({ method: 'GET', target: '/api/stats', headers: browserHeaders, body: new Uint8Array() }),
)

/**
 * From the start of a process to its first answer, of a bundled and minified application, over the same of a handler
 * that does nothing; beside other adapters.
 */
export const adapterCold: Bench = {
  names: ['adapter.cold', 'adapter.cold.express'],
  async run() {
    await using directory = await temporaryDirectory('thaw-bench')
    const all = [thawHono, thawExpress, ...peers]
    const bundles = new Map<Contestant, string>()
    for (const each of all) bundles.set(each, await bundleEntry(each, directory.path))
    const empty: number[] = []
    const times = new Map<Contestant, number[]>(all.map((each) => [each, []]))
    for (let round = 0; round < ROUNDS; round++) {
      empty.push(await start(join(COLD, 'empty.mjs')))
      for (const each of all) times.get(each)?.push(await start(bundles.get(each) ?? ''))
    }
    const over = (each: Contestant) => median(times.get(each) ?? []) - median(empty)
    const line = (bench: string, ours: Contestant, others: readonly Contestant[]) =>
      report({
        bench,
        value: over(ours),
        unit: 'ms',
        reference: fastest(new Map(others.map((each) => [each.name, over(each)]))),
      })
    line('adapter.cold', thawHono, peers)
    line('adapter.cold.express', thawExpress, expressPeers)
  },
}

/** Milliseconds. */
async function start(bundle: string): Promise<number> {
  const startedAt = String(performance.timeOrigin + performance.now())
  const args = [join(COLD, 'start.mjs'), bundle, EVENT, startedAt]
  const env = { PATH: process.env.PATH ?? '' }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  return JSON.parse(stdout).total
}
