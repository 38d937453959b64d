import { type Operation, type Saw, Violation } from './history.ts'
import { expectations, kept, type Row, tablesIn } from './model.ts'
import type { State } from './replay.ts'

/** One life of a prefix, from its first transaction until it is wiped. */
export interface Generation {
  /** From transaction 1 on. */
  readonly states: readonly State[]
  /** All writes, in their order. */
  readonly rows: readonly Row[]
  /** Whether its tables came with its first write. */
  readonly startsEmpty: boolean
  /** When it began, in ticks: what was called later has nothing to do with those before. */
  readonly tick: number
}

interface Known extends Generation {
  /** After how many writes it looks like that: after one number of them, but where an old state was had again. */
  readonly byLook: { readonly brief: Places; readonly full: Places }
  /** How many rows `ops` has, for each number of writes. */
  readonly counts: readonly number[]
  /** The ids of these rows. */
  readonly kept: readonly ReadonlySet<string>[]
  /** What each number of writes leads to. */
  readonly full: readonly string[]
  /** The numbers of writes at which a state was published. */
  readonly published: ReadonlySet<number>
}

type Places = ReadonlyMap<string, readonly number[]>

/** Where an operation stands in the one order of all: it saw so many writes of that generation. */
interface Placed {
  readonly operation: Operation
  readonly generation: Known
  /** At most, where there was the same to be seen after several numbers of them. */
  readonly saw: number
  /** Its own write included; at least. */
  readonly after: number
}

/**
 * Judges what clients saw against what the bucket holds.
 * @param shorten what was done to the states that they tell of, where these are long
 * @throws Violation
 */
export function check(
  generations: readonly Generation[],
  operations: readonly Operation[],
  shorten = (look: string) => look,
): void {
  const known = generations.map((generation) => know(generation, shorten))
  checkWrites(known, operations)
  const placed = operations.flatMap((operation) => place(operation, known) ?? [])
  checkTime(placed, ({ operation }) => (operation.weak ? null : operation.begun))
  for (const some of Map.groupBy(placed, ({ operation }) => operation.environment).values())
    checkTime(some, ({ operation }) => operation.called)
  checkBookmarks(operations, placed, known)
  checkWeak(placed, known)
}

/** Every published state is what an order of whole writes leads to. */
function know(generation: Generation, shorten: (look: string) => string): Known {
  const { rows, states, startsEmpty } = generation
  const expected = expectations(rows, startsEmpty)
  rows.forEach(({ seq }, index) => {
    if (seq !== expected.counts[index + 1]) throw new Violation(`write ${index + 1} has the number ${seq}`)
  })
  let before = 0
  for (const { txid, full, writes } of states) {
    if (full !== expected.full[writes] || writes < before) {
      throw new Violation(
        `transaction ${txid} leads to a state that no order of whole writes explains:\n  ${full}\nexpected\n  ${expected.full[writes]}`,
      )
    }
    before = writes
  }
  const index = (looks: readonly string[]) =>
    Map.groupBy(looks.keys(), (writes) => shorten(looks[writes] ?? ''))
  const published = new Set(states.map(({ writes }) => writes))
  if (startsEmpty) published.add(0)
  const byLook = { brief: index(expected.brief), full: index(expected.full) }
  return { ...generation, byLook, full: expected.full, counts: expected.counts, kept: kept(rows), published }
}

/** Acknowledged writes are there once, refused and thrown ones are not, others at most once; a key counts once. */
function checkWrites(generations: readonly Known[], operations: readonly Operation[]): void {
  const places = new Map<string, number[]>()
  generations.forEach(({ rows }, index) => {
    for (const { id } of rows) places.set(id, [...(places.get(id) ?? []), index])
  })
  const writers = new Map<string, string[]>()
  const results = new Map<string, string>()
  for (const operation of operations) {
    const { id, key, outcome, result } = operation
    if (id === null) continue
    const applied = places.get(id) ?? []
    if (applied.length > 1) throw wrong(operation, `its write was applied ${applied.length} times`)
    if (applied.length > 0 && (outcome === 'refused' || outcome === 'thrown'))
      throw wrong(operation, 'its write was applied all the same')
    if (key === null) {
      if (outcome === 'acknowledged' && applied.length === 0) throw wrong(operation, 'its write is lost')
      continue
    }
    for (const generation of applied) {
      const others = writers.get(`${generation}/${key}`) ?? []
      const known = generations[generation]
      const twice = others.find((other) => known && knewOther(known, id, other))
      if (twice !== undefined) throw wrong(operation, `its key was applied by ${twice} too`)
      writers.set(`${generation}/${key}`, [...others, id])
    }
    if (outcome !== 'acknowledged') continue
    const [generation] = places.get(result ?? '') ?? []
    if (generation === undefined) throw wrong(operation, `the write ${result}, whose result it got, is lost`)
    const first = results.get(`${generation}/${key}`) ?? result
    // A key that is forgotten with the state that knew it has another result.
    if (first !== result && !generations[generation]?.rows.some(({ kind }) => kind === 'restore'))
      throw wrong(operation, `it got the result of ${result}, others got that of ${first}`)
    results.set(`${generation}/${key}`, first ?? '')
  }
}

/** Whether the later one of two writes was applied on a state with the other. */
function knewOther({ rows, kept }: Known, one: string, other: string): boolean {
  const placeOf = (id: string) => rows.findIndex((row) => row.id === id)
  const later = Math.max(placeOf(one), placeOf(other))
  return Boolean(kept[later]?.has(one) || kept[later]?.has(other))
}

/** Finds the number of writes that an operation saw; null when its end says nothing. */
function place(operation: Operation, generations: readonly Known[]): Placed | null {
  const { outcome, saw, id, responded, begun } = operation
  if (outcome === 'acknowledged' && id !== null)
    return placeWrite(operation, operation.result ?? id, generations)
  if (saw === null || (outcome !== 'acknowledged' && outcome !== 'thrown')) return null
  for (const generation of [...generations].reverse()) {
    const places = locate(saw, generation)
    const could = places.filter((writes) => couldSee(operation, writes, generation))
    const newest =
      saw.form === 'absent' ? lastWithout(operation, saw.value, generation) : (could.at(-1) ?? places.at(-1))
    // What is common to two generations, such as emptiness, may be of either: of the newer one only if that had begun.
    if (
      newest === null ||
      newest === undefined ||
      (generation.tick > responded && generation !== generations[0])
    )
      continue
    const next = generations[generations.indexOf(generation) + 1]
    if (next && next.tick < begun && !operation.weak)
      throw wrong(operation, 'it saw what had been wiped before it began')
    if (operation.published && !generation.published.has(newest))
      throw wrong(operation, `it saw a state with ${newest} writes, which was never published`)
    const after = saw.form === 'absent' ? 0 : (could[0] ?? newest)
    return checkPublished({ operation, generation, saw: newest, after })
  }
  throw wrong(operation, `it saw a state that there never was: ${JSON.stringify(saw.value)}`)
}

/** @param row the write whose outcome it got: its own, or an earlier one under the same key */
function placeWrite(operation: Operation, row: string, generations: readonly Known[]): Placed | null {
  const { id, saw } = operation
  for (const generation of generations) {
    const index = generation.rows.findIndex((one) => one.id === row)
    if (index < 0) continue
    const repeated = row !== id // then it ran nothing and saw nothing but that the write is there
    if (!repeated && saw && !locate(saw, generation).includes(index))
      throw wrong(
        operation,
        `it is write ${index + 1}, but saw another state than the one before: ${JSON.stringify(saw.value)}`,
      )
    const holds = (ids: ReadonlySet<string>, writes: number) =>
      ids.has(row) && couldSee(operation, writes, generation)
    const saws = repeated ? generation.kept.findLastIndex(holds) : index
    if (saws < 0) throw wrong(operation, `it got the result of ${row} before the bucket held that`)
    return checkPublished({ operation, generation, saw: saws, after: index + 1 })
  }
  return null
}

/** After which numbers of writes there was that to be seen. */
function locate(saw: Saw, { byLook, full, counts }: Known): readonly number[] {
  const withRows = (count: number) => counts.flatMap((rows, writes) => (rows === count ? [writes] : []))
  switch (saw.form) {
    case 'count':
      return withRows(saw.value)
    case 'rows': {
      const { writes, table, rows } = saw.value
      return withRows(writes).filter((place) =>
        tablesIn(full[place] ?? '')
          .get(table)
          ?.startsWith(`${rows}/`),
      )
    }
    case 'absent':
      return []
    default:
      return byLook[saw.form].get(saw.value) ?? []
  }
}

/** Whether the bucket held so many writes in time for it to see them. */
function couldSee({ published, responded }: Operation, writes: number, generation: Known): boolean {
  if (writes === 0) return true
  const state = generation.states.find((one) => one.writes >= writes)
  return state !== undefined && state.tick <= responded && (!published || generation.published.has(writes))
}

/** Many states lack a table: the last one that could have been seen, which no bound speaks against if it holds for any. */
function lastWithout(
  { responded }: Operation,
  table: string,
  { states, full, startsEmpty }: Known,
): number | null {
  const last = states.findLast(
    (state) => state.tick <= responded && !tablesIn(full[state.writes] ?? '').has(table),
  )
  return last?.writes ?? (startsEmpty ? 0 : null)
}

function checkPublished(placed: Placed): Placed {
  const { generation, operation, after } = placed
  const state = generation.states.find(({ writes }: State) => writes >= after)
  if (after > 0 && (!state || state.tick > operation.responded))
    throw wrong(operation, `it saw or wrote write ${after} before the bucket held it`)
  return placed
}

/**
 * Nothing is older than what had been answered before it began.
 * @param begin when that was, in ticks; null for what need not be as new
 */
function checkTime(placed: readonly Placed[], begin: (one: Placed) => number | null): void {
  const ended = [...placed].sort((a, b) => a.operation.responded - b.operation.responded)
  const begun = placed
    .flatMap((one) => {
      const at = begin(one)
      return at === null ? [] : [{ one, at }]
    })
    .sort((a, b) => a.at - b.at)
  const newest = new Map<Known, Placed>()
  let next = 0
  for (const { one, at } of begun) {
    for (let end = ended[next]; end && end.operation.responded < at; end = ended[++next]) {
      if (end.after > (newest.get(end.generation)?.after ?? -1)) newest.set(end.generation, end)
    }
    const bound = newest.get(one.generation)
    if (bound && one.saw < bound.after) {
      throw wrong(
        one.operation,
        `it saw ${one.saw} writes, but ${bound.operation.client} ${bound.operation.kind} ${bound.operation.id ?? ''} ` +
          `(${bound.operation.begun}–${bound.operation.responded}) had been answered with ${bound.after}`,
      )
    }
  }
}

/** A bookmark stands for a published state, and for all that was seen before it was given. */
function checkBookmarks(
  operations: readonly Operation[],
  placed: readonly Placed[],
  generations: readonly Known[],
): void {
  for (const operation of operations) {
    const { bookmark, environment, client, context, called, responded } = operation
    if (bookmark === null) continue
    const state = stateOf(bookmark, generations)
    if (!state) throw wrong(operation, `it was given the bookmark ${bookmark}, which is of no state`)
    if (state.tick > responded) throw wrong(operation, `its bookmark ${bookmark} is of a state to come`)
    for (const { operation: seen, generation, after } of placed) {
      if (seen.environment !== environment || seen.responded > responded) continue
      if (context !== null && (seen.context !== context || seen.client !== client)) continue
      if (seen.gathered && seen.gathered === operation.gathered && seen.called > called) continue
      if (generation === state.generation && after > state.writes) {
        const what = `${seen.kind} ${seen.id ?? ''} had seen ${after}`
        throw wrong(operation, `its bookmark ${bookmark} is of ${state.writes} writes, but ${what}`)
      }
    }
  }
}

/** Who does not want the newest state gets one that is as new as it asked for. */
function checkWeak(placed: readonly Placed[], generations: readonly Known[]): void {
  for (const { operation, generation, saw } of placed) {
    const { weak } = operation
    if (!weak) continue
    const marked = weak.bookmark === null ? null : stateOf(weak.bookmark, generations)
    if (marked && marked.generation === generation && saw < marked.writes)
      throw wrong(operation, `it saw ${saw} writes, and its bookmark ${weak.bookmark} is of ${marked.writes}`)
    const { since } = weak
    if (since === null) continue
    for (const { operation: other, generation: its, after } of placed) {
      if (its === generation && other.respondedAt < since && saw < after)
        throw wrong(operation, `it saw ${saw} writes, but ${after} were there longer ago than it allowed`)
    }
  }
}

/** The state that a bookmark is of, by the first transaction of its database and the number of its last one. */
function stateOf(bookmark: string, generations: readonly Known[]): (State & { generation: Known }) | null {
  const [identity = '', txid = ''] = bookmark.split('-').map((part) => BigInt(`0x${part}`))
  // That of a first transaction, given before it was published, names no database.
  const generation =
    identity === 0n ? generations[0] : generations.find(({ states }) => states[0]?.checksum === identity)
  const state = generation?.states[Number(txid) - 1]
  return generation && state ? { ...state, generation } : null
}

function wrong({ client, kind, id, begun, responded, outcome, error }: Operation, what: string): Violation {
  const how = error === null ? outcome : `${outcome}, ${error}`
  return new Violation(`${client} ${kind} ${id ?? ''} (${begun}–${responded}, ${how}): ${what}`)
}
