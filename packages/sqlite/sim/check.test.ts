import { expect, test } from 'vitest'
import { anOperation as operation } from './an-operation.ts'
import { check, type Generation } from './check.ts'
import type { Operation } from './history.ts'
import { expectations, type Row } from './model.ts'

const rows: Row[] = [
  { seq: 1, id: 'one', kind: 'add', arg: 'a,5' },
  { seq: 2, id: 'two', kind: 'put', arg: '' },
  { seq: 3, id: 'three', kind: 'move', arg: 'a,b,2' },
]
const { brief, full } = expectations(rows, true)
/** Writes one and two travelled together. */
const generation: Generation = {
  rows,
  startsEmpty: true,
  tick: 0,
  states: [
    { txid: 1, tick: 10, full: full[2] ?? '', writes: 2, checksum: 0xabn },
    { txid: 2, tick: 20, full: full[3] ?? '', writes: 3, checksum: 0xcdn },
  ],
}

const read = (writes: number, given: Partial<Operation> = {}) =>
  operation({ published: true, saw: { form: 'brief', value: brief[writes] ?? '' }, ...given })
const judge = (...operations: Operation[]) => check([generation], operations)

test('what is right is let through', () => {
  judge(
    operation({ id: 'one', begun: 1, responded: 11, saw: { form: 'full', value: full[0] ?? '' } }),
    operation({ id: 'two', begun: 2, responded: 12, saw: { form: 'count', value: 1 } }),
    operation({ outcome: 'thrown', responded: 12, saw: { form: 'full', value: full[1] ?? '' } }),
    operation({ id: 'three', outcome: 'unknown' }),
    operation({ id: 'four', outcome: 'refused' }),
    read(0, { begun: 3, responded: 4 }),
    read(2, { begun: 13, responded: 14 }),
    read(3, { begun: 13, responded: 25 }),
  )
})

test.each([
  ['a lost write', [operation({ id: 'four' })], 'is lost'],
  ['a refused write that is there', [operation({ id: 'one', outcome: 'refused' })], 'applied all the same'],
  [
    'a write that saw the wrong state',
    [operation({ id: 'two', saw: { form: 'full', value: full[0] ?? '' } })],
    'saw another state',
  ],
  [
    'a write answered before the bucket held it',
    [operation({ id: 'three', responded: 15 })],
    'before the bucket held it',
  ],
  ['a read of half a batch', [read(1)], 'never published'],
  ['a read of what is not in the bucket yet', [read(3, { responded: 15 })], 'before the bucket held it'],
  ['a read of nonsense', [read(3, { saw: { form: 'brief', value: 'nonsense' } })], 'there never was'],
  [
    'a stale read after a write',
    [operation({ id: 'two', responded: 12 }), read(0, { begun: 13 })],
    'had been answered',
  ],
  [
    'a read that goes back behind another',
    [read(3, { responded: 22 }), read(2, { begun: 23 })],
    'had been answered',
  ],
  [
    'two results for one key',
    [operation({ id: 'one', key: 'k', result: 'one' }), operation({ id: 'x', key: 'k', result: 'two' })],
    'others got',
  ],
  [
    'a key applied twice',
    [
      operation({ id: 'one', key: 'k', result: 'one' }),
      operation({ id: 'two', key: 'k', outcome: 'unknown' }),
    ],
    'applied by',
  ],
] as const)('%s is found', (_, operations, message) => {
  expect(() => judge(...operations)).toThrow(message)
})

const weakly = (writes: number, weak: Operation['weak'], given: Partial<Operation> = {}) =>
  read(writes, { begun: 23, weak, environment: 'other', ...given })

test('a read may be as old as it allows', () => {
  judge(
    read(3, { begun: 21, responded: 22 }),
    weakly(2, { bookmark: '00000000000000ab-1', since: 22 }),
    weakly(0, { bookmark: null, since: null }),
  )
})

test.each([
  ['behind its bookmark', [weakly(2, { bookmark: '00000000000000ab-2', since: null })], 'its bookmark'],
  [
    'older than it allows',
    [read(3, { begun: 21, responded: 22 }), weakly(2, { bookmark: null, since: 25 })],
    'longer ago than it allowed',
  ],
  [
    'behind what its own environment has seen',
    [read(3, { responded: 22 }), weakly(2, { bookmark: null, since: null }, { environment: 'e' })],
    'had been answered',
  ],
  [
    'with a bookmark that does not stand for what was seen',
    [read(3, { responded: 22 }), operation({ kind: 'bookmark', bookmark: '00000000000000ab-1' })],
    'had seen 3',
  ],
  ['with a bookmark of nothing', [operation({ bookmark: '00000000000000ab-9' })], 'of no state'],
  [
    'with a bookmark of what is to come',
    [operation({ bookmark: '00000000000000ab-2', responded: 15 })],
    'to come',
  ],
] as const)('a read %s is found', (_, operations, message) => {
  expect(() => judge(...operations)).toThrow(message)
})

test('a write applied twice, and a state that no whole writes lead to, are found', () => {
  const twice = [...rows, { ...rows[0], seq: 4 } as Row]
  expect(() => check([{ ...generation, rows: twice }], [operation({ id: 'one' })])).toThrow('2 times')
  const torn = { txid: 1, tick: 10, full: (full[2] ?? '').replace('a=5', 'a=4'), writes: 2, checksum: 1n }
  expect(() => check([{ ...generation, states: [torn] }], [])).toThrow('no order of whole writes')
})

/** Three writes, a restore to the state after the first one, a write after it. */
const restoredRows: Row[] = [
  ...rows,
  { seq: 1, id: 'back', kind: 'restore', arg: '1' },
  { seq: 2, id: 'four', kind: 'add', arg: 'b,1' },
]
const looks = expectations(restoredRows, true)
const restored: Generation = {
  rows: restoredRows,
  startsEmpty: true,
  tick: 0,
  states: looks.full.slice(1).map((look, index) => ({
    txid: index + 1,
    tick: 10 * (index + 1),
    full: look,
    writes: index + 1,
    checksum: BigInt(index + 1),
  })),
}
const judgeRestored = (...operations: Operation[]) => check([restored], operations)
const readRestored = (writes: number, given: Partial<Operation>) =>
  operation({ published: true, saw: { form: 'brief', value: looks.brief[writes] ?? '' }, ...given })

test('history may go back by a restore, and is one history all the same', () => {
  expect(looks.full[4]).toBe(looks.full[1])
  judgeRestored(
    operation({ id: 'three', begun: 1, responded: 31 }),
    readRestored(3, { begun: 32, responded: 35 }),
    operation({ id: 'back', begun: 32, responded: 41 }),
    readRestored(4, { begun: 42, responded: 43 }),
    operation({ id: 'four', begun: 44, responded: 51, saw: { form: 'count', value: 1 } }),
    readRestored(5, { begun: 52, responded: 53 }),
  )
})

test('a key that a restore has made forgotten may be applied again', () => {
  judgeRestored(
    operation({ id: 'two', key: 'k', result: 'two', responded: 21 }),
    operation({ id: 'x', key: 'k', result: 'two', begun: 22, responded: 35 }),
    operation({ id: 'four', key: 'k', result: 'four', begun: 42, responded: 51 }),
  )
})

test.each([
  [
    'a read of what was given up, after the restore was answered',
    [operation({ id: 'back', responded: 41 }), readRestored(3, { begun: 42, responded: 43 })],
    'had been answered',
  ],
  [
    'a write on what was given up',
    [operation({ id: 'four', responded: 51, saw: { form: 'full', value: looks.full[3] ?? '' } })],
    'saw another state',
  ],
  [
    'a key that is applied again although its result was kept',
    [
      operation({ id: 'one', key: 'k', result: 'one', responded: 11 }),
      operation({ id: 'four', key: 'k', result: 'four', begun: 42, responded: 51 }),
    ],
    'applied by',
  ],
  [
    'the result of a key that was forgotten before',
    [
      operation({ id: 'two', key: 'k', result: 'two', responded: 21 }),
      operation({ id: 'back', begun: 32, responded: 41 }),
      operation({ id: 'x', key: 'k', result: 'two', begun: 42, responded: 43 }),
    ],
    'had been answered',
  ],
] as const)('%s is found', (_, operations, message) => {
  expect(() => judgeRestored(...operations)).toThrow(message)
})
