import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { compareKeys } from './keys.ts'

test('orders names as their UTF-8 bytes are ordered', () => {
  const random = seededRandom('compareKeys')
  const letters = [
    'a',
    'b',
    '/',
    '~',
    'ü',
    '\u07ff',
    '\u0800',
    '日',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '🙂',
  ]
  const word = () => Array.from({ length: random.integer(0, 4) }, () => random.pick(letters)).join('')
  for (let i = 0; i < 5_000; i++) {
    const [a, b] = [word(), word()]
    const expected = Buffer.compare(Buffer.from(a), Buffer.from(b))
    expect(Math.sign(compareKeys(a, b)), `${JSON.stringify([a, b])}, seed ${random.seed}`).toBe(expected)
  }
})
