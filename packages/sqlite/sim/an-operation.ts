import type { Operation } from './history.ts'

/** An operation that has seen and written nothing, for tests of what judges them. */
export function anOperation(given: Partial<Operation> = {}): Operation {
  return {
    client: 'c',
    environment: 'e',
    kind: 'k',
    id: null,
    begun: 1,
    called: given.begun ?? 1,
    responded: 30,
    respondedAt: given.responded ?? 30,
    weak: null,
    context: null,
    bookmark: null,
    gathered: null,
    outcome: 'acknowledged',
    published: false,
    saw: null,
    key: null,
    result: null,
    error: null,
    ...given,
  }
}
