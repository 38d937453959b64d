import type { SeededRandom } from '@thaw/testing'

/** Somebody to whom things happen: they wait while it is frozen, and never come once it is dead. */
export interface Owner {
  readonly name: string
  readonly dead: boolean
  /** Virtual time, ms. */
  readonly frozenUntil: number
}

interface Happening {
  due: number
  /** Decides between what is due at the same instant. */
  readonly order: number
  readonly owner: Owner | null
  readonly label: string
  readonly run: () => void
}

/** 2026-01-01T00:00:00Z */
const START = Date.UTC(2026, 0, 1)
const THAW_JITTER_MS = 50

/**
 * Virtual time. Everything that would take time is a happening here; they come one after the other, and each only
 * when all that the one before set off has come to rest. So a seed decides the whole course.
 */
export class Scheduler {
  /** The true time, ms since the epoch. */
  now = START
  /** Happenings so far. */
  steps = 0
  readonly #random: SeededRandom
  readonly #lines: string[] | null
  readonly #happenings: Happening[] = []
  #ticks = 0
  #hash = 0x811c9dc5
  #hash2 = 0x2f0b4c47

  /** @param keepTrace whether `trace` is wanted and not only its hash */
  constructor(random: SeededRandom, keepTrace: boolean) {
    this.#random = random
    this.#lines = keepTrace ? [] : null
  }

  /** What happened, a line each; empty unless it was to be kept. */
  get trace(): readonly string[] {
    return this.#lines ?? []
  }

  /** The same for the same course of events. */
  get hash(): string {
    return [this.#hash, this.#hash2].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** A moment in the order of everything, later than all before. */
  tick(): number {
    return ++this.#ticks
  }

  /** Has something happen after so many ms: to `owner`, or to the world when that is null. */
  after(delayMs: number, owner: Owner | null, label: string, run: () => void): void {
    this.#happenings.push({ due: this.now + delayMs, order: this.#random.next(), owner, label, run })
  }

  note(line: string): void {
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i)
      this.#hash = Math.imul(this.#hash ^ code, 0x01000193)
      this.#hash2 = Math.imul(this.#hash2 ^ code, 0x01000197)
    }
    this.#lines?.push(`${String(this.#ticks).padStart(6)} ${clockTime(this.now)} ${line}`)
  }

  /** Lets happen what there is, until there is nothing more; false when that takes more than `maxSteps` in all. */
  async run(maxSteps: number): Promise<boolean> {
    await rest()
    for (let next = this.#take(); next; next = this.#take()) {
      if (++this.steps > maxSteps) return false
      this.now = Math.max(this.now, next.due)
      this.tick()
      this.note(next.label)
      next.run()
      await rest()
    }
    return true
  }

  #take(): Happening | null {
    for (;;) {
      let first = -1
      for (let i = 0; i < this.#happenings.length; i++) if (this.#before(i, first)) first = i
      const happening = this.#happenings[first]
      if (!happening) return null
      const { owner } = happening
      if (owner && !owner.dead && owner.frozenUntil > happening.due) {
        happening.due = owner.frozenUntil + this.#random.integer(0, THAW_JITTER_MS)
        continue
      }
      const last = this.#happenings.pop()
      if (last && last !== happening) this.#happenings[first] = last
      if (!owner?.dead) return happening
    }
  }

  #before(index: number, best: number): boolean {
    const one = this.#happenings[index]
    const two = this.#happenings[best]
    if (!one || !two) return one !== undefined
    return one.due < two.due || (one.due === two.due && one.order < two.order)
  }
}

/** Resolves when nothing goes on by itself any more: a macrotask comes after all promises have settled. */
async function rest(): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve))
  while (process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq')))
}

function clockTime(ms: number): string {
  const passed = ms - START
  const hours = Math.floor(passed / 3_600_000)
  return `${hours}:${new Date(passed).toISOString().slice(14, 23)}`
}
