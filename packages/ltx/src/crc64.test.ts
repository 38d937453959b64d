import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Crc64 } from './crc64.ts'

/** The definition, bit by bit. */
function bitwise(bytes: Uint8Array): bigint {
  let crc = (1n << 64n) - 1n
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0xd800000000000000n : 0n)
  }
  return crc ^ ((1n << 64n) - 1n)
}

test('gives the check value of CRC-64/GO-ISO', () => {
  const crc = new Crc64()
  crc.update(Buffer.from('123456789'))
  expect(crc.digest()).toBe(0xb90956c775a41001n)
  expect(new Crc64().digest()).toBe(0n)
})

test('equals the definition, however the bytes are cut and wherever they lie in memory', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(9), (bytes, cut, shift) => {
      const moved = new Uint8Array(bytes.length + shift)
      moved.set(bytes, shift)
      const whole = moved.subarray(shift)
      const middle = Math.min(cut, bytes.length)
      const crc = new Crc64()
      crc.update(whole, 0, middle)
      crc.update(whole, middle)
      expect(crc.digest()).toBe(bitwise(bytes))
    }),
  )
})
