import { type SeededRandom, seededRandom } from '@thaw/testing'
import { Fairness, type SeenLink } from '../src/fairness.ts'

/**
 * A model of writers that contend for one chain, in virtual time: the real `Fairness` of each, and of everything
 * around it only how long it takes. What a writer does follows `committer.ts` and `publisher.ts` step by step. Without
 * SQLite, bytes and promises a minute of eight writers takes some milliseconds, so that many worlds can be searched.
 */

export interface WriterPlan {
  /** When it begins, virtual ms. */
  readonly from: number
  /** Its own round trips, ms. */
  readonly putMs: number
  readonly getMs: number
  /** How long its transactions run, ms. */
  readonly workMs: number
  /** Between one transaction and the next, ms at most. */
  readonly restMs: number
}

/** Each request then costs its sender so much of one of them, ms, before it goes out, and so does what is applied. */
export interface SharedProcessors {
  readonly count: number
  readonly putMs: number
  readonly getMs: number
}

export interface WorldPlan {
  readonly writers: readonly WriterPlan[]
  /** Spreads every round trip by this share to both sides. */
  readonly jitter: number
  /** How long it takes to apply a transaction and to go on, ms. */
  readonly applyMs: number
  /** The processors that all share; each has its own when absent. */
  readonly shared?: SharedProcessors | undefined
  readonly ms: number
}

export interface WriterReport {
  commits: number
  tries: number
  /** Losses in a row at most, and the ms of the transaction that waited longest. */
  worstLosses: number
  worstWaitMs: number
  /** How often it asked the others to wait. */
  reservations: number
}

/** What a writer waits for: time to pass, and then something to happen in the bucket. */
interface Step {
  readonly ms: number
  /** Whether that is work, for a processor. */
  readonly isWork?: boolean
  readonly at?: () => unknown
  /** From then until the writer knows of it. */
  readonly backMs?: number
}

type Steps<T> = Generator<Step, T, unknown>

const RESERVATION_TRIES = 24
const LINKS_ASKED_ONE_BY_ONE = 8
const EPOCH = 1_700_000_000_000

class Writer {
  readonly report: WriterReport = { commits: 0, tries: 0, worstLosses: 0, worstWaitMs: 0, reservations: 0 }
  readonly #fairness: Fairness
  readonly #id: bigint
  readonly #plan: WriterPlan
  readonly #world: World
  readonly #random: SeededRandom
  #position = 0
  #verifiedAt = Number.NEGATIVE_INFINITY

  constructor(id: bigint, plan: WriterPlan, world: World, random: SeededRandom) {
    this.#id = id
    this.#plan = plan
    this.#world = world
    this.#random = random
    this.#fairness = new Fairness()
  }

  *live(): Steps<void> {
    yield { ms: this.#plan.from }
    this.#position = this.#world.chain.length // it restores, and has seen nobody
    this.#verifiedAt = this.#now
    for (;;) {
      const wanted = this.#now
      for (let losses = 0; ; losses++) {
        yield* this.#reserve()
        this.report.tries++
        const begun = this.#now
        if (this.#plan.workMs > 0) yield { ms: this.#plan.workMs }
        const won = yield* this.#publish(0)
        this.#fairness.worked(this.#now - begun)
        this.report.worstLosses = Math.max(this.report.worstLosses, losses + (won ? 0 : 1))
        this.report.worstWaitMs = Math.max(this.report.worstWaitMs, this.#now - wanted)
        if (won) break
      }
      this.report.commits++
      if (this.#plan.restMs > 0) yield { ms: this.#random.next() * this.#plan.restMs }
    }
  }

  /** A wall clock has whole ms. */
  get #now(): number {
    return EPOCH + Math.floor(this.#world.now)
  }

  *#reserve(): Steps<void> {
    for (let tries = 0; ; tries++) {
      yield* this.#awaitTurn()
      const ms = this.#fairness.asks(this.#now)
      if (ms === null || tries === RESERVATION_TRIES) return
      if (yield* this.#publish(ms)) return
    }
  }

  *#awaitTurn(): Steps<void> {
    for (;;) {
      const turn = this.#fairness.turn(this.#now)
      if (!turn) return
      if (turn.waitMs > 0) yield { ms: turn.waitMs }
      const sentAt = this.#now
      yield* this.#advance(null, turn.ask)
      this.#fairness.looked(sentAt, this.#now)
    }
  }

  *#publish(asksMs: number): Steps<boolean> {
    const sentAt = this.#now
    const number = this.#position + 1
    const { chain } = this.#world
    const won = yield* this.#request(this.#plan.putMs, () => {
      if (chain.length >= number) return false
      chain.push({ txid: number, writerId: this.#id, timestamp: sentAt, asksMs })
      return true
    })
    if (won) {
      this.#position = number
      this.#verifiedAt = sentAt
      if (asksMs > 0) {
        this.report.reservations++
        this.#fairness.reserved(number, sentAt, this.#now, asksMs)
      } else this.#fairness.won(number, sentAt, this.#now)
      return true
    }
    yield* this.#request(this.#plan.getMs, () => null) // what lies there instead
    const knewTheHead = this.#now - this.#verifiedAt <= 2 * this.#fairness.turnMs
    yield* this.#advance(number, 0)
    if (!knewTheHead) yield* this.#follow()
    this.#fairness.lost()
    return false
  }

  /** One after the other, and when that are too many, by a list and all at once. */
  *#follow(): Steps<void> {
    for (let links = 1; links < LINKS_ASKED_ONE_BY_ONE; links++) {
      if ((yield* this.#head()) === this.#position) return
      yield* this.#advance(this.#position + 1, 0)
    }
    const at = this.#now
    const head = yield* this.#request(this.#plan.getMs, () => this.#world.chain.length)
    yield* this.#request(this.#plan.getMs, () => null)
    yield* this.#advance(head, 0)
    this.#verifiedAt = at
  }

  /** @returns the number of the next transaction if it is there, else that of the last */
  *#head(): Steps<number> {
    const at = this.#now
    const next = this.#position + 1
    const there = yield* this.#request(this.#plan.getMs, () => this.#world.chain.length >= next)
    if (!there) this.#verifiedAt = at
    return there ? next : this.#position
  }

  /** Applies what is known and those of the next `ask` that are there. */
  *#advance(known: number | null, ask: number): Steps<void> {
    const at = this.#now
    const { chain, plan } = this.#world
    let end = known ?? this.#position
    if (ask > 0) {
      const there = (yield* this.#request(this.#plan.getMs, () => chain.length)) as number
      if (there < end + ask) this.#verifiedAt = at
      end = Math.min(there, end + ask)
    }
    if (end > this.#position) yield { ms: plan.applyMs * (0.5 + this.#random.next()), isWork: true }
    for (const link of chain.slice(this.#position, end)) this.#fairness.saw(link, this.#now)
    this.#position = Math.max(this.#position, end)
  }

  *#request<T>(roundTripMs: number, at: () => T): Steps<T> {
    const { shared } = this.#world.plan
    if (shared) yield { ms: roundTripMs === this.#plan.putMs ? shared.putMs : shared.getMs, isWork: true }
    const half = () => (roundTripMs / 2) * (1 + this.#world.plan.jitter * (2 * this.#random.next() - 1))
    return (yield { ms: half(), at, backMs: half() }) as T
  }
}

class World {
  readonly plan: WorldPlan
  readonly chain: SeenLink[] = []
  now = 0

  constructor(plan: WorldPlan) {
    this.plan = plan
  }
}

/** Work is done in the order in which it comes, each piece on the processor that is free first. */
class Processors {
  readonly #freeAt: number[]

  /** @param count 0 for as many as there is work */
  constructor(count: number) {
    this.#freeAt = Array.from({ length: count }, () => 0)
  }

  /** In how many ms work that comes now is done. */
  until(now: number, ms: number): number {
    if (this.#freeAt.length === 0) return ms
    const at = this.#freeAt.indexOf(Math.min(...this.#freeAt))
    const done = Math.max(now, this.#freeAt[at] ?? 0) + ms
    this.#freeAt[at] = done
    return done - now
  }
}

/** Lets the writers of a plan contend. The same plan and seed give the same reports. */
export function contend(plan: WorldPlan, seed: string): WriterReport[] {
  const random = seededRandom(seed)
  const world = new World(plan)
  const writers = plan.writers.map(
    (writer, index) => new Writer(BigInt(index + 1), writer, world, random.fork(`writer ${index}`)),
  )
  const processors = new Processors(plan.shared?.count ?? 0)
  const happenings: { due: number; happen: () => void }[] = []
  const after = (ms: number, happen: () => void) =>
    happenings.push({ due: world.now + Math.max(0, ms), happen })
  for (const writer of writers) {
    const life = writer.live()
    const goOn = (value: unknown) => {
      const { value: step } = life.next(value)
      if (!step) return
      after(step.isWork ? processors.until(world.now, step.ms) : step.ms, () => {
        const result = step.at?.()
        if (step.backMs === undefined) goOn(result)
        else after(step.backMs, () => goOn(result))
      })
    }
    goOn(undefined)
  }
  for (;;) {
    let first = 0
    happenings.forEach(({ due }, index) => {
      if (due < happenings[first]!.due) first = index
    })
    const [{ due, happen }] = happenings.splice(first, 1) as [(typeof happenings)[number]]
    if (due > plan.ms) return writers.map(({ report }) => report)
    world.now = due
    happen()
  }
}

export interface Judgement {
  readonly reports: readonly WriterReport[]
  /** In a row, at most. */
  readonly losses: number
  /** The longest that anybody waited for one commit, in PUTs of the slowest for each writer. */
  readonly wait: number
  /** Commits, as a share of what the slowest could have made alone. */
  readonly use: number
}

export function judge(plan: WorldPlan, reports: readonly WriterReport[]): Judgement {
  const slowest = Math.max(...plan.writers.map(({ putMs }) => putMs))
  const commits = reports.reduce((sum, report) => sum + report.commits, 0)
  const most = (of: (report: WriterReport) => number) => Math.max(...reports.map(of))
  return {
    reports,
    losses: most(({ worstLosses }) => worstLosses),
    wait: most(({ worstWaitMs }) => worstWaitMs) / slowest / reports.length,
    use: (commits * slowest) / plan.ms,
  }
}

/** A plan drawn at random: writers that are alike or not, that come together or late, near and far. */
export function drawPlan(random: SeededRandom, ms: number): WorldPlan {
  const putMs = random.pick([5, 10, 20, 20, 30, 60])
  const getMs = putMs * random.pick([0.25, 0.5, 0.5, 1])
  const unlike = random.pick([0, 0, 0.2, 1])
  const latency = (of: number) => of * (1 + unlike * random.next())
  const count = random.integer(2, 10)
  const late = random.chance(0.5)
  return {
    jitter: random.pick([0, 0.02, 0.1, 0.3, 0.6]),
    applyMs: random.pick([0, 1, 3]),
    ms,
    writers: Array.from({ length: count }, (_, index) => ({
      from: late && index === count - 1 ? random.integer(500, 3_000) : random.integer(0, 100),
      putMs: latency(putMs),
      getMs: latency(getMs),
      workMs: 0,
      restMs: 0,
    })),
  }
}
