import { type Operation, type Saw, Violation } from './history.ts'
import { expectations, type Row, tablesIn } from './model.ts'
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
  /** How many writes a state holds, by what it looks like. */
  readonly byLook: { readonly brief: ReadonlyMap<string, number>; readonly full: ReadonlyMap<string, number> }
  /** What each number of writes leads to. */
  readonly full: readonly string[]
  /** The numbers of writes at which a state was published. */
  readonly published: ReadonlySet<number>
}

/** Where an operation stands in the one order of all: it saw so many writes of that generation. */
interface Placed {
  readonly operation: Operation
  readonly generation: Known
  readonly saw: number
  /** Its own write included. */
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
    if (seq !== index + 1) throw new Violation(`write ${index + 1} has the number ${seq}`)
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
  const index = (looks: readonly string[]) => new Map(looks.map((look, writes) => [shorten(look), writes]))
  const published = new Set(states.map(({ writes }) => writes))
  if (startsEmpty) published.add(0)
  const byLook = { brief: index(expected.brief), full: index(expected.full) }
  return { ...generation, byLook, full: expected.full, published }
}

/** Acknowledged writes are there once, refused and thrown ones are not, others at most once; a key counts once. */
function checkWrites(generations: readonly Known[], operations: readonly Operation[]): void {
  const places = new Map<string, number[]>()
  generations.forEach(({ rows }, index) => {
    for (const { id } of rows) places.set(id, [...(places.get(id) ?? []), index])
  })
  const writers = new Map<string, string>()
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
      const writer = writers.get(`${generation}/${key}`)
      if (writer !== undefined) throw wrong(operation, `its key was applied by ${writer} too`)
      writers.set(`${generation}/${key}`, id)
    }
    if (outcome !== 'acknowledged') continue
    const [generation] = places.get(result ?? '') ?? []
    if (generation === undefined) throw wrong(operation, `the write ${result}, whose result it got, is lost`)
    const first = results.get(`${generation}/${key}`) ?? result
    if (first !== result)
      throw wrong(operation, `it got the result of ${result}, others got that of ${first}`)
    results.set(`${generation}/${key}`, first ?? '')
  }
}

/** Finds the number of writes that an operation saw; null when its end says nothing. */
function place(operation: Operation, generations: readonly Known[]): Placed | null {
  const { outcome, saw, id, responded, begun } = operation
  if (outcome === 'acknowledged' && id !== null)
    return placeWrite(operation, operation.result ?? id, generations)
  if (saw === null || (outcome !== 'acknowledged' && outcome !== 'thrown')) return null
  for (const generation of [...generations].reverse()) {
    const writes =
      saw.form === 'absent' ? lastWithout(operation, saw.value, generation) : locate(saw, generation)
    // What is common to two generations, such as emptiness, may be of either: of the newer one only if that had begun.
    if (writes === null || (generation.tick > responded && generation !== generations[0])) continue
    const next = generations[generations.indexOf(generation) + 1]
    if (next && next.tick < begun && !operation.weak)
      throw wrong(operation, 'it saw what had been wiped before it began')
    if (operation.published && !generation.published.has(writes))
      throw wrong(operation, `it saw a state with ${writes} writes, which was never published`)
    return checkPublished({ operation, generation, saw: writes, after: saw.form === 'absent' ? 0 : writes })
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
    if (!repeated && saw && locate(saw, generation) !== index)
      throw wrong(
        operation,
        `it is write ${index + 1}, but saw another state than the one before: ${JSON.stringify(saw.value)}`,
      )
    const saws = repeated ? Number.POSITIVE_INFINITY : index
    return checkPublished({ operation, generation, saw: saws, after: index + 1 })
  }
  return null
}

function locate(saw: Saw, { byLook, full }: Known): number | null {
  switch (saw.form) {
    case 'count':
      return saw.value
    case 'rows': {
      const { writes, table, rows } = saw.value
      return tablesIn(full[writes] ?? '')
        .get(table)
        ?.startsWith(`${rows}/`)
        ? writes
        : null
    }
    case 'absent':
      return null
    default:
      return byLook[saw.form].get(saw.value) ?? null
  }
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
    const { bookmark, environment, client, context, responded } = operation
    if (bookmark === null) continue
    const state = stateOf(bookmark, generations)
    if (!state) throw wrong(operation, `it was given the bookmark ${bookmark}, which is of no state`)
    if (state.tick > responded) throw wrong(operation, `its bookmark ${bookmark} is of a state to come`)
    for (const { operation: seen, generation, after } of placed) {
      if (seen.environment !== environment || seen.responded > responded) continue
      if (context !== null && (seen.context !== context || seen.client !== client)) continue
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
  const generation = generations.find(({ states }) => states[0]?.checksum === identity)
  const state = generation?.states[Number(txid) - 1]
  return generation && state ? { ...state, generation } : null
}

function wrong({ client, kind, id, begun, responded, outcome, error }: Operation, what: string): Violation {
  const how = error === null ? outcome : `${outcome}, ${error}`
  return new Violation(`${client} ${kind} ${id ?? ''} (${begun}–${responded}, ${how}): ${what}`)
}
