import { parseArgs } from 'node:util'
import { type Report, simulate } from './simulate.ts'

const TAIL = 120
const WIDTH = 200

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed)
const count = Number(values.seeds)
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  console.error('Usage: npm run sim -- [--seeds N] [--seed FIRST] [--all] [--verbose]')
  process.exit(2)
}

const started = performance.now()
const totals = { steps: 0, operations: 0, transactions: 0 }
const outcomes: Record<string, number> = {}
let failures = 0
for (let done = 1; done <= count; done++) {
  const seed = first + done - 1
  const report = await simulate(seed, { trace: values.verbose })
  if (values.verbose) for (const line of report.trace) console.log(line)
  if (report.failure !== null) {
    failures++
    process.exitCode = 1
    if (values.all) console.log(`FAILED seed ${seed}: ${report.failure.slice(0, WIDTH)}`)
    else {
      await explain(report)
      break
    }
  }
  totals.steps += report.steps
  totals.operations += report.operations
  totals.transactions += report.transactions
  for (const [name, n] of Object.entries(report.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + n
  if (values.verbose) console.log(`seed ${seed}: ${report.hash}`)
  if (done % 100 === 0 || done === count) {
    const rate = (done / (performance.now() - started)) * 1_000
    const { operations, transactions, steps } = totals
    console.log(
      `${done} seeds, ${operations} operations, ${transactions} objects, ${steps} steps, ${rate.toFixed(0)} seeds/s, ${failures} failed`,
    )
  }
}
if (failures === 0 || values.all) console.log(JSON.stringify(outcomes))

/** The same seed once more, now with its trace. */
async function explain({ seed, failure, hash }: Report): Promise<void> {
  const again = await simulate(seed, { trace: true })
  for (const line of again.trace.slice(-TAIL)) console.log(line.slice(0, WIDTH))
  console.log(
    `\nseed ${seed} (${hash}${again.hash === hash ? '' : `, ${again.hash} when repeated`}): ${failure}`,
  )
}
