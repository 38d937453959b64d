import { expect, test } from 'vitest'
import { xxHash32 } from './xxhash32.ts'

test.each([
  ['', 0x02cc5d05],
  ['a', 0x550d7456],
  ['abc', 0x32d153ff],
  ['Nobody inspects the spammish repetition', 0xe2293b2f],
])('the hash of %j is the published one', (text, hash) => {
  expect(xxHash32(Buffer.from(text))).toBe(hash)
})
