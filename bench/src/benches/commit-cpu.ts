import { openCommitAndPut } from '../commit/pair.ts'
import { openParts } from '../commit/parts.ts'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const PUT_MS = 20
const ROUNDS = 30
const PER_ROUND = 20
/** How often each part is run without a wait between: to warm it up, and to see what it takes then. */
const IN_A_ROW = 500

/** Each in addition to those before it, in the order of a commit. */
const PARTS = [
  { name: 'sqlite', what: 'the transaction in plain node:sqlite' },
  { name: 'reader', what: 'a reader that moves on to it' },
  { name: 'log', what: 'reading its page from the log' },
  { name: 'encode', what: 'encoding it' },
] as const

/**
 * `commit.cpu` is what a one-row transaction adds to its PUT: the CPU time of this process (all threads, user and
 * system, with the compiler's and the collector's part) during commits, less that during as many bare PUTs in turns with
 * them. A process that waits 20 ms between two commits finds its code and its data pushed out of the caches.
 *
 * The other lines say how much of that is the price of being there at all. Before the same bare PUT, and in the same
 * rhythm, are done: the transaction in plain node:sqlite; that and moving a reader on; and so on. Each line is what
 * its part adds as a rule (the difference of two medians), beside what the part takes in a loop that does nothing else.
 * What they leave of `commit.cpu` is the rest: checking the log, turns, batches, the fence, promises, and what comes now
 * and then, such as a look for newcomers and the collection of garbage.
 */
export const commitCpu: Bench = {
  names: ['commit.cpu', ...PARTS.map(({ name }) => `commit.cpu.${name}`)],
  async run(wanted) {
    await using pair = await openCommitAndPut(PUT_MS)
    using parts = openParts(pair.directory)
    const inALoop = warmUp((name) => parts[name]())
    const upTo = PARTS.map((_, last) => async () => {
      for (const { name } of PARTS.slice(0, last + 1)) parts[name]()
      await pair.put()
    })
    const kinds = [pair.put, ...upTo, pair.commit]
    const measured = kinds.map((run): Measured => ({ run, rounds: [], singly: [] }))
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of round % 2 === 0 ? measured : measured.toReversed()) {
        parts.skip()
        await measure(kind)
      }
    }
    const puts = measured[0]?.rounds ?? []
    if (wanted('commit.cpu')) {
      const more = measured.at(-1)?.rounds.map((ms, round) => ms - (puts[round] ?? Number.NaN)) ?? []
      report({
        bench: 'commit.cpu',
        value: median(more),
        unit: 'ms',
        reference: { what: `CPU time of the bare PUT of ${pair.bytes} bytes`, value: median(puts) },
      })
    }
    PARTS.forEach(({ name, what }, index) => {
      if (!wanted(`commit.cpu.${name}`)) return
      report({
        bench: `commit.cpu.${name}`,
        value: median(measured[index + 1]?.singly ?? []) - median(measured[index]?.singly ?? []),
        unit: 'ms',
        reference: { what: `${what}, in a loop`, value: inALoop[index] ?? Number.NaN },
      })
    })
  },
}

/** @returns CPU time of each part in a loop, ms; its turns go together, as in a commit */
function warmUp(run: (name: (typeof PARTS)[number]['name']) => void): number[] {
  const spent = PARTS.map(() => 0)
  for (let i = 0; i < 2 * IN_A_ROW; i++) {
    if (i === IN_A_ROW) spent.fill(0)
    PARTS.forEach(({ name }, index) => {
      const started = performance.now()
      run(name)
      spent[index] = (spent[index] ?? 0) + performance.now() - started
    })
  }
  return spent.map((ms) => ms / IN_A_ROW)
}

interface Measured {
  readonly run: () => Promise<unknown>
  /** CPU time of one, ms: the mean of each round, */
  readonly rounds: number[]
  /** and of each by itself. */
  readonly singly: number[]
}

/** One round. */
async function measure({ run, rounds, singly }: Measured): Promise<void> {
  const begun = spentMs()
  for (let i = 0; i < PER_ROUND; i++) {
    const before = spentMs()
    await run()
    singly.push(spentMs() - before)
  }
  rounds.push((spentMs() - begun) / PER_ROUND)
}

/** CPU time of this process until now. */
function spentMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
