import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frameWatcher } from './frames.ts'

/** A frame as a client sends it, with a mask. */
function frame(length: number): Buffer {
  const size =
    length < 126
      ? [0x80 | length]
      : length < 65_536
        ? [0xfe, ...bytesOf(length, 2)]
        : [0xff, ...bytesOf(length, 8)]
  return Buffer.concat([Buffer.from([0x81, ...size, 1, 2, 3, 4]), Buffer.alloc(length, 0xff)])
}

function bytesOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor(value / 256 ** (count - 1 - index)) % 256)
}

test('frames are told apart, however they are cut', () => {
  const lengths = fc.array(fc.oneof(fc.nat(130), fc.integer({ min: 300, max: 400 }), fc.constant(70_000)), {
    maxLength: 6,
  })
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 500 }), (sizes, step) => {
      const bytes = Buffer.concat(sizes.map(frame))
      const isTooLong = frameWatcher(350)
      let found = false
      for (let at = 0; at < bytes.length && !found; at += step)
        found = isTooLong(bytes.subarray(at, at + step))
      expect(found).toBe(sizes.some((size) => size > 350))
    }),
  )
})
