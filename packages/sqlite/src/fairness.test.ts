import { memoryStore } from '@thaw/store'
import { latencyStore, manualClock, seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { open } from '../test/kit.ts'
import { Fairness } from './fairness.ts'

const PUT_MS = 20
const GET_MS = 10
/** What the first in the queue is given: one and a half PUTs and two looks. */
const TURN_MS = 50

/** Somebody whose round trips are known, and who has just won at `now`. */
function winner(now: number): Fairness {
  const fairness = new Fairness()
  fairness.looked(now - PUT_MS - GET_MS, now - PUT_MS)
  fairness.won(now - PUT_MS, now)
  return fairness
}

/** How long the writer would wait if nothing more was committed, ms. */
function waits(fairness: Fairness, from: number): number {
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

test('a writer that seems to be alone makes room once in 32 wins, and looks', () => {
  const fairness = new Fairness()
  for (let win = 1; win < 32; win++) {
    fairness.won(0, PUT_MS)
    expect(fairness.turn(PUT_MS)).toBeNull()
  }
  fairness.won(0, PUT_MS)
  expect(fairness.turn(PUT_MS)).toEqual({ waitMs: 2 * PUT_MS, ask: 1 })
  fairness.looked(60, 70)
  expect(fairness.turn(70)).toBeNull()
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

test('who lets its turn pass is out of the queue', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  fairness.won(1_020, 1_040)
  expect(waits(fairness, 1_040)).toBe(TURN_MS)
  fairness.won(1_090, 1_110)
  expect(fairness.turn(1_110)).toBeNull()
})

test('a writer that was not alone lately makes room more often', () => {
  const fairness = winner(1_000)
  fairness.saw(1n, 1_020)
  let wins = 0
  for (let now = 1_200; !fairness.turn(now) && wins < 100; now += PUT_MS, wins++) {
    fairness.won(now, now + PUT_MS)
    if (wins === 0) now += TURN_MS
  }
  expect(wins).toBe(8)
})

test('a newcomer that lost waits for the next commit, and tries right after it', () => {
  const fairness = new Fairness()
  fairness.looked(0, GET_MS)
  fairness.saw(1n, 1_000)
  fairness.lost()
  expect(waits(fairness, 1_000)).toBe(2 * GET_MS)
  fairness.saw(2n, 1_010)
  expect(fairness.turn(1_010)).toBeNull()
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

interface Crowd {
  readonly commits: number[]
  readonly tries: number
  /** ms between two commits of one writer at most. */
  readonly longestWait: number
}

/** Real databases on one store, in a time of their own: what each commits in so many ms when all want to all the time. */
async function crowd(writers: number, ms: number, seed: string): Promise<Crowd> {
  const clock = manualClock()
  const random = seededRandom(seed)
  const far = latencyStore(memoryStore(), {
    putMs: PUT_MS,
    getMs: GET_MS,
    jitter: 0.3,
    random,
    sleep: (ms) => clock.sleep(Math.round(ms)),
  })
  const opening = Promise.all(
    Array.from({ length: writers }, (_, index) => open({ store: far, clock, writerId: BigInt(index + 1) })),
  )
  await clock.advance(1_000)
  const databases = await opening
  const creating = databases[0]?.execute('CREATE TABLE t(v)')
  await clock.advance(200)
  await creating

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

test.each(['a', 'b', 'c'])(
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

test('a writer whose every try comes too late tries at other moments in the end', () => {
  const fairness = new Fairness(7n)
  let now = 1_000_000
  fairness.won(now - 20, now)
  now += 6_000 // long enough to stand in no queue any more
  const waits = new Set<number>()
  for (let loss = 1; loss <= 60; loss++) {
    now += 20
    fairness.saw(BigInt(100 + (loss % 3)), now)
    fairness.lost()
    const turn = fairness.turn(now)
    if (loss >= 24 && loss % 2 === 0) waits.add(turn?.waitMs ?? -1)
  }
  expect(waits.size).toBeGreaterThan(5)
  expect(Math.max(...waits)).toBeLessThanOrEqual(20)
})
