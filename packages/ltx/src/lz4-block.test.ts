import fc from 'fast-check'
import lz4 from 'lz4-wasm-nodejs'
import { expect, test } from 'vitest'
import { random, somePage } from '../test/support.ts'
import { compressBlock, decompressBlock, lz4Bound } from './lz4-block.ts'

function compress(input: Uint8Array): Uint8Array {
  const output = new Uint8Array(lz4Bound(input.length))
  return output.subarray(0, compressBlock(input, output, 0))
}

function decompress(block: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length)
  expect(decompressBlock(block, output, 0)).toBe(length)
  return output
}

/** The other implementation puts the uncompressed length before the block. */
function withLength(block: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(block.length + 4)
  new DataView(bytes.buffer).setUint32(0, length, true)
  bytes.set(block, 4)
  return bytes
}

function expectBothWays(input: Uint8Array): void {
  const block = compress(input)
  expect(Buffer.compare(decompress(block, input.length), input)).toBe(0)
  expect(Buffer.compare(lz4.decompress(withLength(block, input.length)), input)).toBe(0)
  expect(Buffer.compare(decompress(lz4.compress(input).subarray(4), input.length), input)).toBe(0)
}

/** Runs of one byte, repeats of what came before at any distance, and noise. */
const repetitive = fc
  .array(fc.tuple(fc.nat(2), fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(400), fc.nat(5000)), {
    minLength: 1,
    maxLength: 30,
  })
  .map((parts) => {
    const bytes: number[] = []
    for (const [kind, noise, length, back] of parts) {
      if (kind === 0) bytes.push(...noise)
      else if (kind === 1) for (let i = 0; i < length; i++) bytes.push(noise[0] as number)
      else
        for (let i = 0; i < length && back < bytes.length; i++)
          bytes.push(bytes[bytes.length - 1 - back] as number)
    }
    return Uint8Array.from(bytes)
  })
  .filter((bytes) => bytes.length > 0)

test('blocks are read by another implementation, and its blocks by us', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), expectBothWays))
  fc.assert(fc.property(repetitive, expectBothWays))
})

test.each([512, 4096, 65536])('pages of %i bytes survive both implementations', (size) => {
  const below = random(size)
  for (let i = 0; i < 30; i++) expectBothWays(somePage(size, below))
  expectBothWays(new Uint8Array(size))
  expectBothWays(Uint8Array.from({ length: size }, () => below(256)))
})

test('lengths around every threshold of the format', () => {
  for (const byte of [0, 255]) {
    for (let length = 1; length < 600; length++) expectBothWays(new Uint8Array(length).fill(byte))
  }
  const below = random(1)
  for (let length = 1; length < 600; length++) {
    expectBothWays(Uint8Array.from({ length }, () => below(256)))
    expectBothWays(Uint8Array.from({ length }, (_, i) => (i < length / 2 ? below(256) : i)))
  }
})

test('a page of text shrinks about as far as with the other implementation', () => {
  const below = random(7)
  let ours = 0
  let theirs = 0
  for (let i = 0; i < 100; i++) {
    const page = somePage(4096, below)
    ours += compress(page).length
    theirs += lz4.compress(page).length - 4
  }
  expect(ours).toBeLessThan(theirs * 1.03)
})

test('a block stays within the bound and touches nothing beyond it', () => {
  const below = random(3)
  for (let length = 1; length < 3000; length += 7) {
    const input = Uint8Array.from({ length }, () => below(256))
    const output = new Uint8Array(lz4Bound(length) + 20).fill(0xaa)
    const end = compressBlock(input, output.subarray(10, output.length - 10), 0)
    expect(end).toBeLessThanOrEqual(lz4Bound(length))
    expect(output.subarray(0, 10).every((byte) => byte === 0xaa)).toBe(true)
    expect(output.subarray(output.length - 10).every((byte) => byte === 0xaa)).toBe(true)
  }
  expect(() => compressBlock(new Uint8Array(65537), new Uint8Array(70000), 0)).toThrow(RangeError)
  expect(() => compressBlock(new Uint8Array(100), new Uint8Array(100), 0)).toThrow(RangeError)
})

test('noise is refused or decoded, and never read or written outside', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(300), (noise, room) => {
      const memory = new Uint8Array(room + 20).fill(0xaa)
      const end = decompressBlock(noise, memory.subarray(10, room + 10), 0)
      expect(end).toBeLessThanOrEqual(room)
      if (end < 0) expect(-1 - end).toBeLessThanOrEqual(noise.length)
      expect(memory.subarray(0, 10).every((byte) => byte === 0xaa)).toBe(true)
      expect(memory.subarray(room + 10).every((byte) => byte === 0xaa)).toBe(true)
    }),
    { numRuns: 3000 },
  )
})

test.each([
  ['nothing at all', []],
  ['no bytes after the token', [0x40]],
  ['a length that does not end', [0xf0, 255, 255]],
  ['half a distance', [0x10, 7, 1]],
  ['a distance of 0', [0x10, 7, 0, 0, 0]],
  ['a match from before the start', [0x10, 7, 2, 0, 0]],
  ['a match as its end', [0x10, 7, 1, 0]],
  ['a last token with a match length', [0x11, 7]],
  ['more than there is room for', [0x1f, 7, 1, 0, 200, 0]],
])('a block with %s is refused', (_, block) => {
  expect(decompressBlock(Uint8Array.from(block), new Uint8Array(64), 0)).toBeLessThan(0)
})

test('matches that overlap themselves repeat what they write', () => {
  for (let distance = 1; distance < 90; distance++) {
    const input = Uint8Array.from({ length: 512 }, (_, i) => (i % distance) * 3 + 1)
    expectBothWays(input)
  }
})

test('a block depends on its input alone, not on what was compressed before', () => {
  const below = random(4)
  const base = Uint8Array.from({ length: 2048 }, () => below(256))
  // Variants of one page: what one call remembered would look right to the next, at the very same place.
  const pages = Array.from({ length: 60 }, () => {
    const page = base.slice()
    for (let i = 0; i < 3; i++) page.copyWithin(below(1900), below(1900), below(1900) + 100)
    return page
  })
  const forwards = pages.map((page) => Buffer.from(compress(page)).toString('hex'))
  const backwards = pages.toReversed().map((page) => Buffer.from(compress(page)).toString('hex'))
  expect(backwards.toReversed()).toEqual(forwards)
})

test('a match is taken to its very end', () => {
  const noise = Array.from({ length: 60 }, (_, i) => (i * 37 + 11) & 255)
  for (let length = 4; length < 40; length++) {
    const input = Uint8Array.from([...noise, 1, 2, 3, ...noise.slice(0, length), ...new Array(20).fill(0xee)])
    const first = 1 + 1 + 63 + 2 + (length < 19 ? 0 : 1) // 63 literals, the match
    const tail = 1 + 1 + 2 + 1 + 5 // one 0xee, fourteen more, the last five
    expect(compress(input).length, `match of ${length}`).toBe(first + tail)
    expectBothWays(input)
  }
})
