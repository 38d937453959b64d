import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { expectLtxError, random, somePage } from '../test/support.ts'
import { compressBlock, lz4Bound } from './lz4-block.ts'
import { frameBound, readFrame, writeFrame } from './lz4-frame.ts'
import { xxHash32 } from './xxhash32.ts'

function read(frame: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length)
  const position = { offset: 0 }
  const reader = readFrame(output, position)
  let at = 0
  for (let step = reader.next(); !step.done; ) {
    const piece = frame.subarray(at, at + step.value)
    if (piece.length < step.value) throw new Error('the frame ended early')
    expect(position.offset).toBe(at)
    at += step.value
    step = reader.next(piece)
  }
  expect(at).toBe(frame.length)
  expect(position.offset).toBe(at)
  return output
}

function write(input: Uint8Array): Uint8Array {
  const output = new Uint8Array(frameBound(input.length))
  return output.slice(0, writeFrame(input, output, 0))
}

const word = (value: number) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]
function frameOf(flags: number, extra: number[], ...rest: number[][]): Uint8Array {
  const descriptor = [flags, 0x40, ...extra]
  const check = (xxHash32(Uint8Array.from(descriptor)) >>> 8) & 255
  return Uint8Array.from([...word(0x184d2204), ...descriptor, check, ...rest.flat()])
}

test.each([512, 4096, 65536])('pages of %i bytes survive, compressible or not', (size) => {
  const below = random(size)
  const noise = Uint8Array.from({ length: size }, () => below(256))
  for (const page of [somePage(size, below), new Uint8Array(size), noise]) {
    expect(Buffer.compare(read(write(page), size), page)).toBe(0)
  }
  expect(write(noise).length).toBe(size + 19)
})

const lz4 = spawnSync('lz4', ['--version']).status === 0
test.skipIf(!lz4)('the lz4 command reads our frames, and we its: linked blocks, sizes, checksums', () => {
  const page = somePage(65536, random(5))
  const unpacked = spawnSync('lz4', ['-d', '-c'], { input: write(page), maxBuffer: 1 << 20 })
  expect(Buffer.compare(unpacked.stdout, page)).toBe(0)
  for (const options of [[], ['-9'], ['-BD'], ['-BX'], ['--no-frame-crc'], ['-BD', '-BX', '-B4']]) {
    const packed = spawnSync('lz4', [...options, '-c', '-z'], { input: page, maxBuffer: 1 << 20 })
    expect(packed.status, options.join(' ')).toBe(0)
    expect(Buffer.compare(read(packed.stdout, page.length), page), options.join(' ')).toBe(0)
  }
})

test('blocks that reach into the one before, stored blocks, block checksums, a content size', () => {
  const first = [1, 2, 3, 4, 5, 6, 7, 8]
  const second = [0x04, 8, 0, 0x50, 9, 9, 9, 9, 9] // 8 bytes from 8 back, 5 literals
  const content = Uint8Array.from([...first, ...first, 9, 9, 9, 9, 9])
  const blocks = [word(0x80000008), first, word(second.length), second, word(0)]
  expect(read(frameOf(0x40, [], ...blocks), 21)).toEqual(content)
  expectLtxError(() => read(frameOf(0x60, [], ...blocks), 21), 'LTX_COMPRESSION') // said to be independent

  const sized = [21, 0, 0, 0, 0, 0, 0, 0]
  const checked = (hash: number) =>
    frameOf(
      0x5c,
      sized,
      word(0x80000008),
      first,
      word(xxHash32(Uint8Array.from(first))),
      word(second.length),
      second,
      word(hash),
      word(0),
      word(xxHash32(content)),
    )
  expect(read(checked(xxHash32(Uint8Array.from(second))), 21)).toEqual(content)
  expectLtxError(() => read(checked(1), 21), 'LTX_COMPRESSION')
  expectLtxError(() => read(frameOf(0x48, [22, 0, 0, 0, 0, 0, 0, 0], ...blocks), 21), 'LTX_COMPRESSION')
})

test('every wrong byte of a frame is noticed', () => {
  const page = somePage(512, random(2))
  const frame = write(page)
  const block = new Uint8Array(lz4Bound(512))
  expect(frame.length).toBe(11 + compressBlock(page, block, 0) + 8)
  for (let at = 0; at < frame.length; at++) {
    const damaged = frame.slice()
    damaged[at] = (damaged[at] as number) ^ 0x41
    expect(() => read(damaged, 512), `byte ${at}`).toThrow()
  }
  expectLtxError(() => read(frame, 1024), 'LTX_COMPRESSION')
  expectLtxError(() => read(frame, 256), 'LTX_COMPRESSION')
})

test('independent blocks follow one another, and none reaches into the one before', () => {
  const run = [0x14, 7, 1, 0, 0x50, 7, 7, 7, 7, 7] // 7, eight more of it, five literals
  const frame = (block: number[]) =>
    frameOf(0x60, [], word(run.length), run, word(block.length), block, word(0))
  expect(read(frame(run), 28)).toEqual(new Uint8Array(28).fill(7))
  const reaching = [0x14, 7, 2, 0, 0x50, 7, 7, 7, 7, 7] // begins one byte before its block
  expectLtxError(() => read(frame(reaching), 28), 'LTX_COMPRESSION')
  expect(read(frameOf(0x40, [], word(10), run, word(10), reaching, word(0)), 28)).toEqual(
    new Uint8Array(28).fill(7),
  )
})

test('a frame without any checksum must still hold one page exactly', () => {
  const stored = (size: number) => [word((0x80000000 | size) >>> 0), new Array<number>(size).fill(5)]
  expect(read(frameOf(0x60, [], ...stored(64), word(0)), 64)).toEqual(new Uint8Array(64).fill(5))
  for (const blocks of [stored(63), stored(65), [], [...stored(64), ...stored(1)]]) {
    expectLtxError(() => read(frameOf(0x60, [], ...blocks, word(0)), 64), 'LTX_COMPRESSION')
  }
})
