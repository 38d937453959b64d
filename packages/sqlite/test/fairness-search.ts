import { parseArgs } from 'node:util'
import { seededRandom } from '@thaw/testing'
import { contend, drawPlan, judge } from './turns.ts'

// Looks for worlds in which a writer starves: node packages/sqlite/test/fairness-search.ts --seeds 10000

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    ms: { type: 'string', default: '20000' },
    show: { type: 'string', default: '5' },
  },
})
const worlds = Array.from({ length: Number(values.seeds) }, (_, index) => {
  const seed = `${Number(values.from) + index}`
  const plan = drawPlan(seededRandom(seed), Number(values.ms))
  return { seed, plan, ...judge(plan, contend(plan, seed)) }
})
worlds.sort((a, b) => b.losses - a.losses)
for (const { seed, plan, reports, losses } of worlds.slice(0, Number(values.show))) {
  console.log(`seed ${seed}: ${losses} losses in a row; jitter ${plan.jitter}, apply ${plan.applyMs} ms`)
  reports.forEach(({ commits, tries, worstLosses, worstWaitMs, reservations }, index) => {
    const { from, putMs, getMs } = plan.writers[index]!
    const what = `put ${putMs.toFixed(1)}, get ${getMs.toFixed(1)}, from ${from}`
    const waits = `worst ${worstLosses} losses, ${worstWaitMs} ms, ${reservations} reservations`
    console.log(`  ${what}: ${commits} commits, ${tries} tries, ${waits}`)
  })
}
for (const measure of ['losses', 'wait', 'use'] as const) {
  const values = worlds.map((world) => world[measure]).sort((a, b) => a - b)
  const at = (share: number) => values[Math.floor(share * (values.length - 1))]!.toFixed(2)
  console.log(
    `${measure}: least ${at(0)}, median ${at(0.5)}, 90 % ${at(0.9)}, 99 % ${at(0.99)}, most ${at(1)}`,
  )
}
