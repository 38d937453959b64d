import { expressPeers, peers, thawExpress, thawHono } from '../adapter/adapters.ts'
import { adapterBytes } from '../adapter/bundle.ts'
import { fastest } from '../adapter/versus.ts'
import { report } from '../report.ts'
import type { Bench } from './index.ts'

/** What an adapter alone, without a framework, adds to a function: bundled and minified, not compressed. */
export const adapterSize: Bench = {
  names: ['adapter.size', 'adapter.size.express'],
  async run() {
    const sizes = new Map<string, number>()
    for (const peer of peers) sizes.set(peer.name, await adapterBytes(peer))
    const expressNames = expressPeers.map(({ name }) => name)
    const expressSizes = new Map([...sizes].filter(([name]) => expressNames.includes(name)))
    report({
      bench: 'adapter.size',
      value: await adapterBytes(thawHono),
      unit: 'bytes',
      reference: fastest(sizes),
    })
    report({
      bench: 'adapter.size.express',
      value: await adapterBytes(thawExpress),
      unit: 'bytes',
      reference: fastest(expressSizes),
    })
  },
}
