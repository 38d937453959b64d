import { type Contestant, expressPeers, peers, thawExpress, thawHono } from '../adapter/adapters.ts'
import { type AdapterBytes, adapterBytes } from '../adapter/bundle.ts'
import { fastest } from '../adapter/versus.ts'
import { report } from '../report.ts'
import type { Bench } from './index.ts'

/**
 * What an adapter alone, without a framework, adds to the start of a function: bundled and minified, not compressed,
 * nothing of it in files that are loaded later. Ours stands in for the runtime's classes of fetch as well, which no
 * peer does; the lines with `.total` count that too.
 */
export const adapterSize: Bench = {
  names: ['adapter.size', 'adapter.size.total', 'adapter.size.express', 'adapter.size.express.total'],
  async run() {
    const sizes = new Map<Contestant, AdapterBytes>()
    for (const each of [thawHono, thawExpress, ...peers]) sizes.set(each, await adapterBytes(each))
    const of = (each: Contestant) => sizes.get(each) ?? { total: 0, standIns: 0 }
    const lines = (bench: string, ours: Contestant, others: readonly Contestant[]) => {
      const { total, standIns } = of(ours)
      const reference = fastest(new Map(others.map((each) => [each.name, of(each).total])))
      report({ bench, value: total - standIns, unit: 'bytes', reference })
      report({ bench: `${bench}.total`, value: total, unit: 'bytes', reference })
    }
    lines('adapter.size', thawHono, peers)
    lines('adapter.size.express', thawExpress, expressPeers)
  },
}
