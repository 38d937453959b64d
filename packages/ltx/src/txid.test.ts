import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectLtxError } from '../test/support.ts'
import { formatTxid, isPageSize, linkFields, linkOf, lockPage, noteOf, parseTxid } from './index.ts'

test('a transaction id is 16 lower-case hex digits, and back', () => {
  expect(formatTxid(1)).toBe('0000000000000001')
  expect(formatTxid(2 ** 53 - 1)).toBe('001fffffffffffff')
  fc.assert(
    fc.property(fc.maxSafeNat(), (txid) => {
      expect(parseTxid(formatTxid(txid))).toBe(txid)
    }),
  )
  for (const wrong of [-1, 1.5, 2 ** 53, Number.NaN]) expectLtxError(() => formatTxid(wrong), 'LTX_INPUT')
})

test.each([
  '',
  '1',
  '000000000000000A',
  '0000000000000001 ',
  '00000000000000001',
  '000000000000000g',
  '0020000000000000',
])('%j is no transaction id', (text) => expect(parseTxid(text)).toBeNull())

test('the lock page holds the byte at 1 GiB', () => {
  for (const [size, page] of [
    [512, 2097153],
    [4096, 262145],
    [65536, 16385],
  ] as const) {
    expect(lockPage(size)).toBe(page)
    expect((page - 1) * size).toBe(2 ** 30)
  }
})

test('page sizes', () => {
  const sizes = Array.from({ length: 70000 }, (_, i) => i).filter(isPageSize)
  expect(sizes).toEqual([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
  expect([512.5, -512, 131072, Number.NaN].filter(isPageSize)).toEqual([])
})

test('a link is kept in the WAL fields, all 64 bits of it', () => {
  const rest = {
    pageSize: 512,
    commit: 1,
    minTxid: 2,
    maxTxid: 2,
    timestamp: 0,
    nodeId: 0n,
    preApplyChecksum: 0n,
    flags: 2,
  }
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.nat(), (checksum, note) => {
      expect(linkOf({ ...rest, ...linkFields(checksum) })).toBe(checksum)
      expect(noteOf({ ...rest, ...linkFields(checksum) })).toBe(0)
      const noted = { ...rest, ...linkFields(checksum, note) }
      expect([linkOf(noted), noteOf(noted)]).toEqual([checksum, note])
    }),
  )
  expect(linkOf({ ...rest, walOffset: 0, walSize: 0, walSalt1: 0, walSalt2: 0 })).toBeNull()
  const wal = { ...rest, walOffset: 32, walSize: 4120, walSalt1: 1, walSalt2: 2 }
  expect([linkOf(wal), noteOf(wal)]).toEqual([null, 0])
})
