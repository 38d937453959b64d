import { expect, test } from 'vitest'
import { anOperation } from './an-operation.ts'
import type { Generation } from './check.ts'
import { checkGathered } from './check-gathered.ts'
import type { Gathered, Operation } from './history.ts'
import { expectations, type Row } from './model.ts'

const rows: Row[] = [
  { seq: 1, id: 'before', kind: 'put', arg: '' },
  { seq: 2, id: 'one', kind: 'add', arg: 'a,5' },
  { seq: 3, id: 'two', kind: 'put', arg: '' },
]
const { brief, full } = expectations(rows, true)

/** @param writes how many each transaction leads to */
function generation(...writes: number[]): Generation {
  return {
    rows,
    startsEmpty: true,
    tick: 0,
    states: writes.map((count, index) => ({
      txid: index + 1,
      tick: 10 * (index + 1),
      full: full[count] ?? '',
      writes: count,
      checksum: BigInt(index),
    })),
  }
}

const operation = (gathered: Gathered, given: Partial<Operation>) =>
  anOperation({ begun: 11, called: 11, respondedAt: 30, context: 11, gathered, ...given })

interface Request {
  readonly closed?: number
  readonly states?: readonly number[]
  readonly first?: Partial<Operation>
  readonly read?: Partial<Operation>
  readonly second?: Partial<Operation>
}

function judge({ closed = 15, states = [1, 3], first, read, second }: Request): void {
  const gathered = { closed }
  checkGathered(
    [generation(...states)],
    [
      operation(gathered, { id: 'one', called: 12, ...first }),
      operation(gathered, { called: 13, saw: { form: 'brief', value: brief[2] ?? '' }, ...read }),
      operation(gathered, { id: 'two', called: 14, ...second }),
    ],
  )
}

test('a request that is one transaction and sees its own writes is let through', () => {
  judge({})
  judge({ read: { saw: { form: 'full', value: full[2] ?? '' } } })
  judge({ read: { saw: { form: 'rows', value: { writes: 2, table: 't', rows: 0 } } } })
  // The same with an end that nobody came to see, and what an operation saw that an undone request ended.
  judge({ first: { outcome: 'unknown' }, second: { outcome: 'unknown' }, read: { saw: null } })
})

test('one of which nothing is there is let through', () => {
  const none = { closed: Number.POSITIVE_INFINITY, first: { id: 'x' }, second: { id: 'y' } }
  judge({ ...none, read: { outcome: 'refused', saw: null } })
})

test.each<[string, Request, string]>([
  ['in two transactions', { states: [1, 2, 3] }, 'wrote 2 times'],
  ['with what another one wrote', { states: [0, 3] }, 'wrote 2 times'],
  ['without one of its writes', { second: { id: 'three' } }, 'published without it'],
  ['before its function had ended', { closed: 25 }, 'before its request had ended'],
  ['though its function never ended', { closed: Number.POSITIVE_INFINITY }, 'before its request had ended'],
  [
    'that does not see its own write',
    { read: { saw: { form: 'brief', value: brief[1] ?? '' } } },
    'saw other',
  ],
  ['that sees a wrong number of writes', { second: { saw: { form: 'count', value: 1 } } }, 'saw other'],
])('a request %s is found', (_, request, message) => {
  expect(() => judge(request)).toThrow(message)
})
