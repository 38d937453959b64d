import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { GET_MS, openCrowd, PUT_MS } from '../test/crowd.ts'
import { contend, drawPlan, judge } from '../test/turns.ts'
import { Fairness } from './fairness.ts'

/** What the first in the queue is given: one and a half PUTs and two looks. */
const TURN_MS = 50

/** One writer's view. Numbers are such that the next one is nobody's in particular. */
class View {
  readonly fairness = new Fairness()
  #txid = 1

  won(sentAt: number, now: number, txid = this.#next()): void {
    this.fairness.won(txid, sentAt, now)
  }

  saw(writerId: bigint, now: number, txid = this.#next()): void {
    this.fairness.saw({ writerId, txid, timestamp: now - PUT_MS, asksMs: 0 }, now)
  }

  turn(now: number) {
    return this.fairness.turn(now)
  }

  #next(): number {
    this.#txid += 64
    return this.#txid
  }
}

/** Somebody whose round trips are known, and who has just won at `now`. */
function winner(now: number): View {
  const view = new View()
  view.fairness.looked(now - PUT_MS - GET_MS, now - PUT_MS)
  view.won(now - PUT_MS, now)
  return view
}

/** How long the writer would wait if nothing more was committed, ms. */
function waits(fairness: View, from: number): number {
  let now = from
  for (let turn = fairness.turn(now); turn; turn = fairness.turn(now)) {
    expect(turn.waitMs).toBeGreaterThan(0)
    expect(turn.ask).toBeGreaterThan(0)
    now += turn.waitMs
  }
  return now - from
}

test('who has never met anybody commits at once', () => {
  expect(new Fairness().turn(0)).toBeNull()
  expect(winner(1_000).turn(1_000)).toBeNull()
})

test('a writer that seems to be alone leaves every 32nd number to newcomers for a while, and looks', () => {
  const fairness = new Fairness()
  for (let txid = 1; txid < 31; txid++) {
    fairness.won(txid, 0, PUT_MS)
    expect(fairness.turn(PUT_MS)).toBeNull()
  }
  fairness.won(31, 0, PUT_MS)
  expect(fairness.turn(PUT_MS)).toEqual({ waitMs: 2 * PUT_MS, ask: 1 })
  expect(fairness.turn(3 * PUT_MS)).toBeNull()
})

test('after a win, the others have their turn; the longest since the last win is first', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  fairness.saw(2n, 1_040)
  expect(fairness.turn(1_040)).toBeNull() // this writer is the first now

  fairness.won(1_040, 1_060)
  expect(waits(fairness, 1_060)).toBe(1.5 * TURN_MS) // 1 and 2 are before it
  fairness.saw(1n, 1_080)
  expect(waits(fairness, 1_080)).toBe(TURN_MS)
  fairness.saw(2n, 1_100)
  expect(fairness.turn(1_100)).toBeNull()
})

test('whoever waits looks when the first can have published, not before', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  fairness.won(1_020, 1_040)
  expect(fairness.turn(1_040)).toEqual({ waitMs: (PUT_MS - GET_MS) / 2, ask: 1 })
  expect(fairness.turn(1_045)).toEqual({ waitMs: 1, ask: 1 })
})

test('far back in the queue a writer sleeps, then asks for all that it missed at once', () => {
  const fairness = winner(1_000)
  for (let id = 1; id <= 6; id++) fairness.saw(BigInt(id), 1_000)
  fairness.won(1_000, 1_020)
  expect(fairness.turn(1_020)).toEqual({ waitMs: 4.75 * PUT_MS, ask: 5 })
})

test('time that has passed since the last commit counts: nobody waits where nobody contends', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  fairness.won(1_020, 1_040)
  expect(fairness.turn(1_040 + TURN_MS)).toBeNull()
})

test('who lets four turns pass is out of the queue, and keeps its place until then', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  fairness.won(1_020, 1_040)
  for (let at = 1_040; at < 1_440; at += 100) {
    expect(waits(fairness, at)).toBeGreaterThanOrEqual(TURN_MS)
    fairness.won(at + 80, at + 100)
  }
  expect(fairness.turn(1_440)).toBeNull()
})

test('a writer that was not alone lately leaves every eighth number to newcomers', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  for (let txid = 9_995; txid < 10_000; txid++) fairness.won(1_220, 1_240, txid)
  const left = []
  for (let txid = 10_000; txid < 10_032; txid++) {
    if (fairness.turn(1_240)) left.push(txid)
    fairness.won(1_220, 1_240, txid)
  }
  expect(left).toEqual([10_000, 10_008, 10_016, 10_024])
})

test('where a newcomer has come in, the next number that is divisible by four is for another', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  fairness.saw(2n, 1_040, 10_001)
  expect(fairness.turn(1_040)).toBeNull()
  fairness.saw(3n, 1_060, 10_003)
  expect(fairness.turn(1_060)).toEqual({ waitMs: 2 * PUT_MS, ask: 1 })
  expect(fairness.turn(1_100)).toBeNull()
})

test('a newcomer that lost tries at a number that may be left to it, or when nobody commits', () => {
  const fairness = new View()
  fairness.fairness.looked(0, GET_MS)
  fairness.saw(1n, 1_000, 10_001)
  expect(fairness.turn(1_000)).toBeNull()
  fairness.fairness.lost()
  expect(waits(fairness, 1_000)).toBe(2 * GET_MS)
  fairness.saw(2n, 1_010, 10_002)
  expect(fairness.turn(1_010)).not.toBeNull()
  fairness.saw(1n, 1_020, 10_003)
  expect(fairness.turn(1_020)).toBeNull()
})

test('newcomers cannot keep a writer waiting for ever', () => {
  const fairness = winner(1_000)
  for (let id = 1n; id <= 4n; id++) fairness.saw(id, 1_000)
  fairness.won(1_000, 1_020)
  const latest = 1_020 + TURN_MS + 4 * 2 * PUT_MS
  let now = 1_020
  for (let id = 100n; fairness.turn(now) && now < 5_000; id++) {
    now += PUT_MS
    fairness.saw(id, now)
  }
  expect(now).toBeLessThanOrEqual(latest + PUT_MS)
})

test('who has been silent for five seconds is forgotten', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  fairness.won(6_010, 6_030)
  expect(fairness.turn(6_030)).toBeNull()
})

test('a clock that was set, or a freeze during a request, makes nobody wait for long', () => {
  const back = winner(100_000)
  back.saw(1n, 100_020)
  back.won(100_020, 100_040)
  expect(back.turn(50_000)).toBeNull()

  const frozen = winner(1_000)
  frozen.won(1_000, 3_600_000)
  frozen.saw(1n, 3_600_020)
  frozen.won(3_600_020, 3_600_040)
  expect(waits(frozen, 3_600_040)).toBeLessThan(1_000)
})

test('thirty-two writers that share two processors all get on, late as they may be for their turns', () => {
  const writer = { putMs: PUT_MS, getMs: 10, workMs: 0, restMs: 0 }
  const writers = Array.from({ length: 32 }, (_, index) => ({ ...writer, from: 3 * index }))
  const shared = { count: 2, putMs: 2, getMs: 1 }
  for (const seed of ['a', 'b', 'c']) {
    const reports = contend({ writers, shared, jitter: 0.1, applyMs: 2.5, ms: 20_000 }, seed)
    const commits = reports.map((report) => report.commits)
    const most = (of: (report: (typeof reports)[number]) => number) => Math.max(...reports.map(of))
    expect(Math.min(...commits), seed).toBeGreaterThanOrEqual(8)
    expect(commits.reduce((sum, n) => sum + n, 0) / 20, `a second, seed ${seed}`).toBeGreaterThan(20)
    expect(
      most((report) => report.worstWaitMs),
      seed,
    ).toBeLessThan(10_000)
  }
})

interface Share {
  readonly commits: number[]
  readonly tries: number
  /** ms between two commits of one writer at most. */
  readonly longestWait: number
}

/** What each of a crowd commits in so many ms when all want to all the time. */
async function crowd(writers: number, ms: number, seed: string): Promise<Share> {
  const { clock, databases } = await openCrowd({ seed, writers })
  const commits = databases.map(() => 0)
  let tries = 0
  let longestWait = 0
  const end = clock.now() + ms
  const writing = databases.map(async (db, index) => {
    let last = clock.now()
    while (clock.now() < end) {
      await db.atomic((tx) => {
        tries++
        return tx.execute('INSERT INTO t VALUES (?)', [index])
      })
      commits[index] = (commits[index] ?? 0) + 1
      longestWait = Math.max(longestWait, clock.now() - last)
      last = clock.now()
    }
  })
  await clock.advance(ms + 5_000)
  await Promise.all(writing)
  return { commits, tries, longestWait }
}

test.each(['a', 'b'])(
  'eight writers that never rest share the log evenly, and lose little of it (seed %s)',
  async (seed) => {
    const ms = 10_000
    const { commits, tries, longestWait } = await crowd(8, ms, seed)
    const total = commits.reduce((sum, n) => sum + n, 0)
    const alone = ms / PUT_MS
    expect(total).toBeGreaterThan(0.8 * alone)
    expect(Math.min(...commits)).toBeGreaterThan(0.75 * (total / 8))
    expect(Math.max(...commits)).toBeLessThan(1.25 * (total / 8))
    expect(longestWait).toBeLessThan(1_000)
    expect(tries).toBeLessThan(1.5 * total)
  },
  60_000,
)

test('in worlds of all kinds nobody starves: near and far writers, alike and not, steady and not, early and late', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const plan = drawPlan(seededRandom(`${seed}`), 10_000)
    const { losses, wait, use } = judge(plan, contend(plan, `${seed}`))
    expect(losses, `losses in a row, seed ${seed}`).toBeLessThan(40)
    expect(wait, `longest wait, seed ${seed}`).toBeLessThan(250)
    expect(use, `use, seed ${seed}`).toBeGreaterThan(0.3)
  }
}, 60_000)
