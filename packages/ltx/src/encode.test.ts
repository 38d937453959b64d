import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { expectLtxError, random, somePages } from '../test/support.ts'
import {
  decodeLtx,
  type EncodeOptions,
  encodeLtx,
  encodeLtxStream,
  LtxDecoder,
  type LtxHeaderInput,
  type LtxPage,
  lockPage,
  readLtxHeader,
  readLtxTrailer,
} from './index.ts'

const increment: LtxHeaderInput = {
  pageSize: 512,
  commit: 9,
  minTxid: 2,
  maxTxid: 2,
  timestamp: 1700000000000,
}
const snapshot: LtxHeaderInput = { ...increment, commit: 3, minTxid: 1 }
const page = (number: number, size = 512): LtxPage => ({ number, data: new Uint8Array(size).fill(number) })
const numbers = (...all: number[]) => all.map((number) => page(number))

async function collect(
  stream: AsyncGenerator<Uint8Array, bigint>,
): Promise<{ pieces: Uint8Array[]; checksum: bigint }> {
  const pieces: Uint8Array[] = []
  for (;;) {
    const { done, value } = await stream.next()
    if (done) return { pieces, checksum: value }
    pieces.push(value)
  }
}

test('the test vector, byte for byte where no compression is involved', () => {
  const data = Uint8Array.from({ length: 512 }, (_, i) => i)
  const header = { pageSize: 512, commit: 1, minTxid: 1, maxTxid: 1, timestamp: 1700000000000 }
  // A literal-only block, which an encoder may choose but ours does not.
  const head = encodeLtx(header, [{ number: 1, data }]).bytes.subarray(0, 100)
  const block = Buffer.concat([Buffer.from([0xf0, 255, 242]), data])
  const vector = Buffer.concat([
    head,
    Buffer.from('00000001' + '0001' + '00000203', 'hex'),
    block,
    Buffer.from(
      '000000000000' + '01648d0400' + '0000000000000005' + '0000000000000000' + 'e131cbc51240c59b',
      'hex',
    ),
  ])
  expect(vector.length).toBe(660)
  expect(createHash('sha256').update(vector).digest('hex')).toBe(
    'a13b5ca15a5c69b1de05f58178d189b6068bc7ba62b8e58465095a2c459d554f',
  )
  const decoded = decodeLtx(vector)
  expect(decoded.checksum).toBe(0xe131cbc51240c59bn)
  expect(decoded.pages).toEqual([{ number: 1, data }])
})

test('every header field is written and read', () => {
  const header = {
    pageSize: 65536,
    commit: 0xffffffff,
    minTxid: 2 ** 52 + 1,
    maxTxid: 2 ** 53 - 1,
    timestamp: 2 ** 53 - 2,
    walOffset: 2 ** 53 - 3,
    walSize: 2 ** 53 - 4,
    walSalt1: 0xfedcba98,
    walSalt2: 0x89abcdef,
    nodeId: 0xfedcba9876543210n,
  }
  const { bytes, checksum } = encodeLtx(header, [page(7, 65536)])
  expect(readLtxHeader(bytes.subarray(0, 100))).toEqual({ ...header, preApplyChecksum: 0n, flags: 2 })
  expect(readLtxTrailer(bytes.subarray(-16))).toEqual({ postApplyChecksum: 0n, checksum })
  expect(decodeLtx(bytes).checksum).toBe(checksum)
})

const wrong: [string, Partial<LtxHeaderInput>][] = [
  ['a page size that is no power of two', { pageSize: 1000 }],
  ['a page size of 256', { pageSize: 256 }],
  ['commit 0', { commit: 0 }],
  ['a commit beyond 32 bits', { commit: 2 ** 32 }],
  ['minTxid 0', { minTxid: 0 }],
  ['minTxid above maxTxid', { minTxid: 3 }],
  ['a maxTxid that is not exact', { maxTxid: 2 ** 53 }],
  ['a negative timestamp', { timestamp: -1 }],
  ['a timestamp with a fraction', { timestamp: 1.5 }],
  ['a salt without a WAL offset', { walSalt1: 1 }],
  ['the other salt without a WAL offset', { walSalt2: 1 }],
  ['a WAL size without a WAL offset', { walSize: 1 }],
  ['a salt beyond 32 bits', { walOffset: 1, walSalt2: 2 ** 32 }],
  ['a node id beyond 64 bits', { nodeId: 1n << 64n }],
  ['a negative node id', { nodeId: -1n }],
]
test.each(wrong)('a header with %s is refused', (_, change) => {
  expectLtxError(() => encodeLtx({ ...increment, ...change }, numbers(1)), 'LTX_INPUT')
})

test.each([
  ['pages that do not ascend', increment, numbers(2, 2)],
  ['pages that descend', increment, numbers(2, 1)],
  ['page 0', increment, numbers(0)],
  ['a page beyond the commit', increment, numbers(10)],
  ['half a page number', increment, [{ number: 1.5, data: new Uint8Array(512) }]],
  ['a short page', increment, [page(1, 511)]],
  ['a long page', increment, [page(1, 1024)]],
  ['a snapshot without its first page', snapshot, numbers(2, 3)],
  ['a snapshot with a gap', snapshot, numbers(1, 3)],
  ['a snapshot without its last page', snapshot, numbers(1, 2)],
  ['an empty snapshot', snapshot, []],
  ['the lock page', { ...increment, commit: 2 ** 22 }, numbers(lockPage(512))],
])('%s: refused', (_, header, pages) => {
  expectLtxError(() => encodeLtx(header, pages), 'LTX_INPUT')
})

test('an increment must hold every page by which the database grows, when the old size is known', () => {
  const encode = (previousCommit: number, ...all: number[]) =>
    encodeLtx(increment, numbers(...all), { previousCommit })
  expect(decodeLtx(encode(7, 1, 8, 9).bytes).pages).toHaveLength(3)
  expect(decodeLtx(encode(12, 1).bytes).pages).toHaveLength(1)
  expectLtxError(() => encode(7, 1, 9), 'LTX_INPUT')
  expectLtxError(() => encode(6, 7, 8), 'LTX_INPUT')
  expectLtxError(() => encode(-1, 1), 'LTX_INPUT')
  const lock = lockPage(512) // growing across it, it is not missed
  const header = { ...increment, commit: lock + 1 }
  expect(
    encodeLtx(header, numbers(lock - 1, lock + 1), { previousCommit: lock - 2 }).bytes.length,
  ).toBeGreaterThan(0)
  expectLtxError(() => encodeLtx(header, numbers(lock + 1), { previousCommit: lock - 2 }), 'LTX_INPUT')
})

test('an increment without pages only sets the size', () => {
  const { bytes } = encodeLtx(increment, [])
  expect(bytes.length).toBe(100 + 6 + 9 + 16)
  expect(decodeLtx(bytes)).toMatchObject({ header: increment, pages: [] })
})

test.each<EncodeOptions>([{ compression: 'block' }, { compression: 'frame' }])(
  'the stream is the same file: %j',
  async (options) => {
    const pages = somePages(400, 4096, random(11))
    const header = { ...snapshot, pageSize: 4096, commit: 400, maxTxid: 77 }
    const whole = encodeLtx(header, pages, options)
    async function* later() {
      for (const each of pages) yield each
    }
    for (const source of [pages, later()]) {
      const { pieces, checksum } = await collect(encodeLtxStream(header, source, options))
      expect(pieces.length).toBeGreaterThan(1)
      expect(Buffer.compare(Buffer.concat(pieces), whole.bytes)).toBe(0)
      expect(checksum).toBe(whole.checksum)
    }
  },
)

test('the stream ends its source and yields no end when a rule is broken', async () => {
  let ended = false
  function* pages() {
    try {
      yield page(2)
      yield page(1)
    } finally {
      ended = true
    }
  }
  await expect(collect(encodeLtxStream(increment, pages()))).rejects.toMatchObject({ code: 'LTX_INPUT' })
  expect(ended).toBe(true)
  await expect(collect(encodeLtxStream(snapshot, numbers(1)))).rejects.toMatchObject({ code: 'LTX_INPUT' })
})

test('a snapshot of more than 1 GiB streams through both ways, without its lock page', async () => {
  const pageSize = 65536
  const lock = lockPage(pageSize)
  const data = new Uint8Array(pageSize)
  let made = 0
  function* pages() {
    for (let number = 1; number <= lock + 1; number++) {
      made = number
      if (number !== lock) yield { number, data }
    }
  }
  const stream = encodeLtxStream({ ...snapshot, pageSize, commit: lock + 1 }, pages())
  const first = await stream.next()
  if (first.done) throw new Error('the stream has no pieces')
  expect(made).toBeLessThan(lock / 2) // a piece comes before all pages were made
  async function* file() {
    yield first.value as Uint8Array
    yield* stream
  }
  const decoder = await LtxDecoder.open(file())
  let count = 0
  let last = 0
  for await (const { number } of decoder.pages()) {
    count++
    last = number
  }
  expect([count, last]).toEqual([lock, lock + 1])
})

test('a file stays as it is while others are encoded, even by the source of its own pages', () => {
  const plain = encodeLtx(increment, numbers(2, 5, 9)).bytes
  const before = Buffer.from(plain)
  function* pages() {
    yield page(2)
    encodeLtx({ ...increment, minTxid: 7, maxTxid: 7 }, numbers(1, 3, 4, 8))
    yield* numbers(5, 9)
  }
  expect(Buffer.compare(encodeLtx(increment, pages()).bytes, before)).toBe(0)
  expect(Buffer.compare(plain, before)).toBe(0)
})
