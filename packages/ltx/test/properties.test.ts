import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeLtx,
  encodeLtx,
  type LtxHeaderInput,
  type LtxPage,
  readLtxHeader,
  readLtxTrailer,
} from '../src/index.ts'
import { decodeStream, random, somePage } from './support.ts'

const files = fc
  .record({
    pageSize: fc.constantFrom(512, 1024, 4096),
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 12 }),
    snapshot: fc.boolean(),
    spare: fc.nat(50),
    first: fc.integer({ min: 2, max: 2 ** 53 - 1000 }),
    span: fc.nat(900),
    timestamp: fc.maxSafeNat(),
    nodeId: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    wal: fc.option(
      fc.record({
        walOffset: fc.integer({ min: 1 }),
        walSize: fc.nat(),
        walSalt1: fc.nat(),
        walSalt2: fc.nat(),
      }),
    ),
    compression: fc.constantFrom('block' as const, 'frame' as const),
    seed: fc.nat(),
  })
  .map(({ pageSize, numbers, snapshot, spare, first, span, timestamp, nodeId, wal, compression, seed }) => {
    const below = random(seed)
    const count = numbers.length
    const ascending = snapshot ? numbers.map((_, i) => i + 1) : numbers.sort((a, b) => a - b)
    const commit = snapshot ? count : (ascending[count - 1] as number) + spare
    const minTxid = snapshot ? 1 : first
    const header: LtxHeaderInput = {
      pageSize,
      commit,
      minTxid,
      maxTxid: minTxid + span,
      timestamp,
      nodeId,
      ...wal,
    }
    const pages: LtxPage[] = ascending.map((number) => ({ number, data: somePage(pageSize, below) }))
    return { header, pages, compression, seed }
  })

test('what goes in comes out, whole or streamed, and the same bytes come from the same input', async () => {
  await fc.assert(
    fc.asyncProperty(files, async ({ header, pages, compression, seed }) => {
      const { bytes, checksum } = encodeLtx(header, pages, { compression })
      expect(Buffer.compare(encodeLtx(header, pages, { compression }).bytes, bytes)).toBe(0)
      const decoded = decodeLtx(bytes)
      expect(decoded).toMatchObject({ header, pages, checksum })
      expect(readLtxHeader(bytes)).toEqual(decoded.header)
      expect(readLtxTrailer(bytes).checksum).toBe(checksum)
      const below = random(seed)
      expect(await decodeStream(bytes, () => below(3000))).toEqual(decoded)
    }),
    { numRuns: 150 },
  )
})
