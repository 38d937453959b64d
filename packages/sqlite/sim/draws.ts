import type { SeededRandom } from '@thaw/testing'
import type { Freshness } from '../src/index.ts'
import { COUNTERS, type WriteKind } from './model.ts'
import { drawAge } from './plan.ts'

const PAGES_OF_A_LOG = 4_300_000
const FOREIGN = 'f0f0f0f0f0f0f0f0'
const FAR = 'fffff'
/** Bookmarks that nobody can have been given, made of real ones. */
const MADE_UP = [
  (bookmark: string) => `${FOREIGN}-${bookmark.split('-')[1]}`,
  (bookmark: string) => `${bookmark.split('-')[0]}-${FAR}`,
]

export function isMadeUp(bookmark: string | null): boolean {
  return bookmark !== null && (bookmark.startsWith(FOREIGN) || bookmark.endsWith(`-${FAR}`))
}

/**
 * How new a read is to be.
 * @param bookmarks those that clients were given
 */
export function drawFreshness(random: SeededRandom, bookmarks: readonly string[]): Freshness {
  const draw = random.next()
  if (draw < 0.3) return 'strong'
  if (draw < 0.6 || bookmarks.length === 0) return { withinMs: drawAge(random) }
  // The last one is most of a trial.
  const bookmark = random.chance(0.6) ? (bookmarks.at(-1) ?? '') : random.pick(bookmarks)
  if (draw < 0.65) return { bookmark: random.pick(MADE_UP)(bookmark) }
  return random.chance(0.2) ? { bookmark, withinMs: drawAge(random) } : { bookmark }
}

/**
 * A write, and what it is about.
 * @param huge whether it may be larger than the bound of the write-ahead log
 */
export function drawWrite(random: SeededRandom, huge: boolean): readonly [WriteKind, string] {
  const draw = random.next()
  if (draw < 0.45) return ['add', `${random.pick(COUNTERS)},${random.integer(1, 9)}`]
  if (draw < 0.65) return ['move', `${random.shuffle(COUNTERS).slice(0, 2)},${random.integer(1, 9)}`]
  if (draw < 0.73) return ['table', '']
  if (draw < 0.76) return ['drop', '']
  if (draw < 0.82) return ['fill', '']
  if (draw < 0.88) return [random.pick(['alter', 'rename', 'index'] as const), '']
  if (draw < 0.95) return ['big', `${random.integer(1, 3)},${random.integer(1_000, 15_000)}`]
  if (huge) return ['big', `1,${PAGES_OF_A_LOG}`]
  return ['clear', '']
}
