import { expect, test } from 'vitest'
import { chunked, decodeStream, expectLtxError, random, somePages } from '../test/support.ts'
import { Crc64 } from './crc64.ts'
import {
  decodeLtx,
  encodeLtx,
  LtxDecoder,
  LtxError,
  type LtxErrorCode,
  readLtxHeader,
  readLtxTrailer,
} from './index.ts'

const header = { pageSize: 512, commit: 3, minTxid: 1, maxTxid: 4, timestamp: 5, nodeId: 6n }
const pages = somePages(3, 512, random(1))
const block = encodeLtx(header, pages).bytes
const frame = encodeLtx(header, pages, { compression: 'frame' }).bytes
const decoded = decodeLtx(block)

/** The file with `change` made to it and its checksum made right again. */
function resealed(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice()
  change(new DataView(copy.buffer))
  try {
    decodeLtx(copy)
  } catch (error) {
    const actual =
      error instanceof LtxError ? /content has checksum ([0-9a-f]{16})/.exec(error.message) : null
    if (actual) new DataView(copy.buffer).setBigUint64(copy.length - 8, BigInt(`0x${actual[1]}`))
  }
  return copy
}

test('both compressions give the same pages', () => {
  expect(decoded).toMatchObject({ header, pages })
  expect(decodeLtx(frame).pages).toEqual(pages)
  expect(decodeLtx(frame).header).toEqual(decoded.header)
})

test('a Buffer inside a larger one decodes too, and the pages are independent of it', () => {
  const pool = Buffer.concat([Buffer.alloc(13), block, Buffer.alloc(7)])
  const found = decodeLtx(pool.subarray(13, 13 + block.length))
  pool.fill(0)
  expect(found).toEqual(decoded)
})

test.each([1, 2, 3, 7, 100, 1000, 1e6])(
  'a stream in chunks of %i bytes decodes to the same',
  async (length) => {
    expect(await decodeStream(block, () => length)).toEqual(decoded)
    expect((await decodeStream(frame, () => length)).pages).toEqual(pages)
  },
)

test('a stream in chunks of any length, empty ones among them, decodes to the same', async () => {
  const below = random(9)
  for (let i = 0; i < 100; i++) expect(await decodeStream(block, () => below(60))).toEqual(decoded)
})

test('every truncation is noticed, whole or streamed', async () => {
  for (const bytes of [block, frame]) {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length)
      expect(expectLtxError(() => decodeLtx(cut), 'LTX_TRUNCATED').offset).toBe(length)
      await expect(decodeStream(cut, () => 64)).rejects.toMatchObject({
        code: 'LTX_TRUNCATED',
        offset: length,
      })
    }
  }
})

test('bytes after the end are noticed', async () => {
  const long = Buffer.concat([block, Buffer.alloc(1)])
  expect(expectLtxError(() => decodeLtx(long), 'LTX_TRAILING').offset).toBe(block.length)
  for (const length of [1, block.length, block.length + 1]) {
    await expect(decodeStream(long, () => length)).rejects.toMatchObject({
      code: 'LTX_TRAILING',
      offset: block.length,
    })
  }
})

test('what is no LTX file, or only the beginning of one, is called so', () => {
  expectLtxError(() => decodeLtx(Buffer.from('SQLite format 3\0'.repeat(10))), 'LTX_MAGIC')
  expectLtxError(() => readLtxHeader(Buffer.from('LTX2')), 'LTX_MAGIC')
  expectLtxError(() => readLtxHeader(Buffer.from('LTX1')), 'LTX_TRUNCATED')
  expectLtxError(() => readLtxTrailer(new Uint8Array(15)), 'LTX_TRUNCATED')
  expectLtxError(() => readLtxTrailer(new Uint8Array(16)), 'LTX_TRAILER')
})

const end = block.length
const index = end - 24 - Number(Buffer.from(block).readBigUInt64BE(end - 24))
const damages: [string, (view: DataView) => void, LtxErrorCode, number][] = [
  ['unknown flags', (v) => v.setUint32(4, 4), 'LTX_HEADER', 4],
  ['a wrong page size', (v) => v.setUint32(8, 513), 'LTX_HEADER', 8],
  ['commit 0', (v) => v.setUint32(12, 0), 'LTX_HEADER', 12],
  ['minTxid 0', (v) => v.setBigUint64(16, 0n), 'LTX_HEADER', 16],
  ['an endless maxTxid', (v) => v.setBigUint64(24, (1n << 64n) - 1n), 'LTX_HEADER', 24],
  ['a negative timestamp', (v) => v.setBigInt64(32, -1n), 'LTX_HEADER', 32],
  ['a pre-apply checksum', (v) => v.setBigUint64(40, 1n << 63n), 'LTX_HEADER', 40],
  ['a negative WAL offset', (v) => v.setBigInt64(48, -1n), 'LTX_HEADER', 48],
  ['a salt without offset', (v) => v.setUint32(64, 1), 'LTX_HEADER', 48],
  ['something in the reserved bytes', (v) => v.setUint8(99, 1), 'LTX_HEADER', 99],
  ['a first page 2', (v) => v.setUint32(100, 2), 'LTX_PAGE', 100],
  ['unknown page flags', (v) => v.setUint16(104, 3), 'LTX_PAGE', 104],
  ['a giant page', (v) => v.setUint32(106, 0xffffffff), 'LTX_PAGE', 106],
  ['an empty page', (v) => v.setUint32(106, 0), 'LTX_PAGE', 106],
  ['fewer pages than the commit says', (v) => v.setUint32(12, 4), 'LTX_PAGE', index - 6],
  ['another node id', (v) => v.setUint32(76, 1), 'LTX_CHECKSUM', end - 8],
  ['another index', (v) => v.setUint8(index, 2), 'LTX_INDEX', index],
  ['another index size', (v) => v.setUint8(end - 17, 1), 'LTX_INDEX', end - 17],
  ['a post-apply checksum', (v) => v.setBigUint64(end - 16, 1n << 63n), 'LTX_TRAILER', end - 16],
  ['a checksum without its bit', (v) => v.setUint8(end - 8, 0x7f), 'LTX_TRAILER', end - 8],
]
test.each(damages)('%s: refused, with the place', (_, change, code, offset) => {
  const damaged = block.slice()
  change(new DataView(damaged.buffer))
  expect(expectLtxError(() => decodeLtx(damaged), code).offset).toBe(offset)
})

test('pages that descend are refused although the checksum is right', () => {
  const increment = encodeLtx({ ...header, minTxid: 2 }, pages).bytes
  const at = indexOfPage(increment, 2)
  const damaged = resealed(increment, (view) => view.setUint32(at, 1))
  expectLtxError(() => decodeLtx(damaged), 'LTX_PAGE')
})

test('a block that gives less than a page is refused although the checksum is right', () => {
  const zeros = encodeLtx({ ...header, commit: 1 }, [{ number: 1, data: new Uint8Array(512) }]).bytes
  // Its block: one literal, a match whose length is 15 + 4 + 255 + a byte, the last literals.
  const length = new DataView(zeros.buffer).getUint32(106)
  const lastLengthByte = 110 + length - 7
  const shorter = resealed(zeros, (view) => view.setUint8(lastLengthByte, view.getUint8(lastLengthByte) - 1))
  expectLtxError(() => decodeLtx(shorter), 'LTX_COMPRESSION')
})

function indexOfPage(bytes: Uint8Array, number: number): number {
  const view = new DataView(bytes.buffer)
  let at = 100
  while (view.getUint32(at) !== number) at += 10 + view.getUint32(at + 6)
  return at
}

test('a change that keeps every rule decodes once the checksum is right', () => {
  const changed = resealed(block, (view) => view.setUint32(76, 99))
  expect(decodeLtx(changed)).toMatchObject({ header: { ...header, nodeId: 99n }, pages })
})

test('the stream ends its source: at the end, after an error, and when left early', async () => {
  let ended = 0
  async function* source(bytes: Uint8Array) {
    try {
      yield* chunked(bytes, () => 200)
    } finally {
      ended++
    }
  }
  await expect(LtxDecoder.open(source(Buffer.alloc(500)))).rejects.toMatchObject({ code: 'LTX_MAGIC' })
  expect(ended).toBe(1)
  const left = await LtxDecoder.open(source(block))
  expect(() => left.checksum).toThrow(LtxError)
  for await (const page of left.pages()) {
    expect(page.number).toBe(1)
    break
  }
  expect(ended).toBe(2)
  expect(() => left.checksum).toThrow(LtxError)
  await expect(left.pages().next()).rejects.toMatchObject({ code: 'LTX_INPUT' })
  {
    await using unread = await LtxDecoder.open(source(block))
    expect(unread.header).toEqual(decoded.header)
  }
  expect(ended).toBe(3)
})

test('an error of the source reaches the caller as it is', async () => {
  const lost = new Error('connection lost')
  async function* source() {
    yield block.subarray(0, 300)
    throw lost
  }
  const decoder = await LtxDecoder.open(source())
  await expect(async () => {
    for await (const page of decoder.pages()) expect(page.number).toBeGreaterThan(0)
  }).rejects.toBe(lost)
})

/** Turns a file into one that keeps checksums of the database, as other writers may. */
function withDatabaseChecksums(bytes: Uint8Array, pre: bigint, post: bigint): Uint8Array {
  return resealed(bytes, (view) => {
    view.setUint32(4, 0)
    view.setBigUint64(40, pre)
    view.setBigUint64(bytes.length - 16, post)
  })
}

test('files that keep checksums of the database are read, and a snapshot is held to its own', () => {
  let sum = 0n
  for (const { number, data } of pages) {
    const crc = new Crc64()
    crc.update(Uint8Array.from([0, 0, 0, number]))
    crc.update(data)
    sum ^= crc.digest()
  }
  const bit = 1n << 63n
  expect(decodeLtx(withDatabaseChecksums(block, 0n, sum | bit)).pages).toEqual(pages)
  expectLtxError(() => decodeLtx(withDatabaseChecksums(block, 0n, (sum ^ 1n) | bit)), 'LTX_CHECKSUM')
  expectLtxError(() => decodeLtx(withDatabaseChecksums(block, 0n, 0n)), 'LTX_TRAILER')
  expectLtxError(() => decodeLtx(withDatabaseChecksums(block, bit, sum | bit)), 'LTX_HEADER')
  const increment = encodeLtx({ ...header, minTxid: 2 }, pages).bytes
  expect(decodeLtx(withDatabaseChecksums(increment, bit | 1n, bit | 2n)).pages).toEqual(pages)
  expectLtxError(() => decodeLtx(withDatabaseChecksums(increment, 0n, bit)), 'LTX_HEADER')
})
