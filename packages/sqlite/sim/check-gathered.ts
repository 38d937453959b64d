import type { Generation } from './check.ts'
import { type Gathered, type Operation, Violation } from './history.ts'
import { type Expectations, expectations, tablesIn } from './model.ts'

/**
 * Judges requests under `invocation` durability as a whole: one transaction or nothing, of theirs alone, not before
 * their function had ended; and each sees what it has written itself, and nothing else in between.
 * @throws Violation
 */
export function checkGathered(generations: readonly Generation[], operations: readonly Operation[]): void {
  const requests = Map.groupBy(operations, ({ gathered }) => gathered)
  requests.delete(null)
  if (requests.size === 0) return
  const known = generations.map((generation) => ({
    generation,
    looks: expectations(generation.rows, generation.startsEmpty),
    places: new Map(generation.rows.map(({ id }, index) => [id, index + 1])),
  }))
  for (const [gathered, request] of requests) {
    const isThere = ({ id }: Operation) => known.filter(({ places }) => id !== null && places.has(id))
    const [home] = request.flatMap(isThere)
    if (!home || !gathered) continue
    checkWhole(gathered, request, home.generation, home.places)
    checkOwn(request, home.looks, home.places)
  }
}

/** Whether it wrote something itself: under a key it may have got what another one had written. */
function wrote({ id, key, outcome, result }: Operation): boolean {
  return (
    id !== null && (outcome === 'acknowledged' || outcome === 'unknown') && (key === null || result === id)
  )
}

function checkWhole(
  { closed }: Gathered,
  request: readonly Operation[],
  { states }: Generation,
  places: ReadonlyMap<string, number>,
): void {
  const writes = request.filter(wrote)
  for (const operation of writes) {
    const place = places.get(operation.id ?? '')
    if (place === undefined) throw wrong(operation, 'its request was published without it')
    const index = states.findIndex((state) => state.writes >= place)
    const state = states[index]
    if (!state) throw wrong(operation, 'no transaction holds it')
    if (state.tick <= closed) throw wrong(operation, 'it was published before its request had ended')
    const first = (states[index - 1]?.writes ?? 0) + 1
    if (state.writes - first + 1 !== writes.length)
      throw wrong(
        operation,
        `its request wrote ${writes.length} times, its transaction ${state.txid} holds ${state.writes - first + 1}`,
      )
  }
}

function checkOwn(
  request: readonly Operation[],
  { brief, full, counts }: Expectations,
  places: ReadonlyMap<string, number>,
): void {
  let own = 0
  for (const operation of [...request].sort((a, b) => a.called - b.called)) {
    const { saw, id } = operation
    if (operation.outcome === 'acknowledged' || operation.outcome === 'thrown') {
      const isOwn =
        own === 0 ||
        saw === null ||
        (saw.form === 'full' && saw.value === full[own]) ||
        (saw.form === 'brief' && saw.value === brief[own]) ||
        (saw.form === 'count' && saw.value === counts[own]) ||
        (saw.form === 'rows' && saw.value.writes === counts[own]) ||
        (saw.form === 'absent' && !tablesIn(full[own] ?? '').has(saw.value))
      if (!isOwn)
        throw wrong(operation, `it saw other than what its request had written: ${JSON.stringify(saw.value)}`)
    }
    if (wrote(operation)) own = places.get(id ?? '') ?? own
  }
}

function wrong({ client, kind, id, called, outcome }: Operation, what: string): Violation {
  return new Violation(`${client} ${kind} ${id ?? ''} (called ${called}, gathered, ${outcome}): ${what}`)
}
