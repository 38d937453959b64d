/**
 * The first page of a state that is published on top of another one, from which it did not come.
 *
 * Whoever keeps a database open tells by three counters on page 1 whether what it remembers still holds: the file
 * change counter for pages, the schema cookie for tables and for statements that were prepared on them. An old state
 * brings its old counters along. From there they would count up again to values that somebody has seen before, with
 * other pages and another schema behind them. So they go on from the higher of the two.
 * https://www.sqlite.org/fileformat2.html#the_database_header
 */

const CHANGE_COUNTER = 24
const PAGE_COUNT = 28
const SCHEMA_COOKIE = 40
const VERSION_VALID_FOR = 92
/** Which SQLite wrote last. */
const SQLITE_VERSION = 96

/** What may differ although two states are the same. */
const INCIDENTAL = [CHANGE_COUNTER, SCHEMA_COOKIE, VERSION_VALID_FOR, SQLITE_VERSION] as const

/**
 * @param target page 1 of the state to come
 * @param head page 1 of the state that it comes after
 * @param pageCount of the state to come
 */
export function succeeding(target: Uint8Array, head: Uint8Array, pageCount: number): Uint8Array {
  const page = Uint8Array.from(target)
  const view = viewOf(page)
  const next = (offset: number) =>
    (Math.max(viewOf(target).getUint32(offset), viewOf(head).getUint32(offset)) + 1) >>> 0
  const changeCounter = next(CHANGE_COUNTER)
  view.setUint32(CHANGE_COUNTER, changeCounter)
  view.setUint32(SCHEMA_COOKIE, next(SCHEMA_COOKIE))
  // SQLite believes the page count only while these two agree.
  view.setUint32(VERSION_VALID_FOR, changeCounter)
  view.setUint32(PAGE_COUNT, pageCount)
  return page
}

/** Whether two images of page 1 say the same of a database, but for the counters and who wrote it. */
export function sameState(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(comparable(one), comparable(other)) === 0
}

function comparable(page: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(page)
  for (const offset of INCIDENTAL) viewOf(copy).setUint32(offset, 0)
  return copy
}

function viewOf(page: Uint8Array): DataView {
  return new DataView(page.buffer, page.byteOffset, page.byteLength)
}
