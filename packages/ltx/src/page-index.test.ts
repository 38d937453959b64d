import { expect, test } from 'vitest'
import { PageIndex } from './page-index.ts'

/** LEB128 as it is defined. */
function varint(value: bigint): number[] {
  const rest = value >> 7n
  const low = Number(value & 127n)
  return rest === 0n ? [low] : [low | 128, ...varint(rest)]
}

test('numbers of any size, an end, and the size', () => {
  const index = new PageIndex()
  const entries = [
    [1, 100, 16],
    [127, 128, 16383],
    [16384, 2 ** 31, 2 ** 21],
    [2 ** 32 - 1, 2 ** 40 + 5, 65536],
    [2 ** 32 - 1, 2 ** 53 - 1, 2 ** 32],
  ] as const
  for (const [number, offset, size] of entries) index.add(number, offset, size)
  const body = [...entries.flat().flatMap((value) => varint(BigInt(value))), 0]
  expect([...Buffer.concat(index.finish())]).toEqual([...body, 0, 0, 0, 0, 0, 0, 0, body.length])
})

test('without pages there is only the end', () => {
  expect([...Buffer.concat(new PageIndex().finish())]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1])
})

test('an index of many pieces is one', () => {
  const index = new PageIndex()
  const body: number[] = []
  for (let i = 1; i <= 40_000; i++) {
    index.add(i, i * 300, i)
    body.push(...[i, i * 300, i].flatMap((value) => varint(BigInt(value))))
  }
  const pieces = index.finish()
  expect(pieces.length).toBeGreaterThan(3)
  const whole = Buffer.concat(pieces)
  expect(whole.subarray(0, -8)).toEqual(Buffer.from([...body, 0]))
  expect(whole.readBigUInt64BE(whole.length - 8)).toBe(BigInt(body.length + 1))
})
