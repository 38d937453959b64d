import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import {
  type DecodedLtx,
  LtxDecoder,
  LtxError,
  type LtxErrorCode,
  type LtxHeader,
  type LtxPage,
} from '../src/index.ts'

/** A seeded stream of numbers: unsigned 32-bit, the same for the same seed. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 4294967296) * below)
  }
}

/** A page that is partly text, partly numbers, partly noise, partly empty. */
export function somePage(size: number, below: (n: number) => number): Uint8Array {
  const page = new Uint8Array(size)
  const words = ['coffee', 'rent', 'salary', 'transfer', '2026-11-20T10:00:00Z', 'card payment', '\0\0\0\x01']
  let at = 0
  while (at < size) {
    const kind = below(5)
    if (kind === 0) at += below(300)
    else if (kind === 1) {
      for (let n = below(80); n > 0 && at < size; n--) page[at++] = below(256)
    } else {
      const word = words[below(words.length)] as string
      for (let i = 0; i < word.length && at < size; i++) page[at++] = word.charCodeAt(i)
    }
  }
  return page
}

export function somePages(count: number, size: number, below: (n: number) => number): LtxPage[] {
  return Array.from({ length: count }, (_, i) => ({ number: i + 1, data: somePage(size, below) }))
}

/** A stream that hands `bytes` on in chunks of the lengths that `nextLength` gives. */
export async function* chunked(bytes: Uint8Array, nextLength: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const length = nextLength()
    yield bytes.subarray(at, at + length)
    at += length
  }
}

/** Cuts a database file into its pages; those of zeros only at the lock page's place are the caller's affair. */
export function pagesOf(file: Uint8Array, pageSize: number): LtxPage[] {
  const pages: LtxPage[] = []
  for (let at = 0; at < file.length; at += pageSize) {
    pages.push({ number: at / pageSize + 1, data: file.subarray(at, at + pageSize) })
  }
  return pages
}

/** Applies pages to a database file. */
export function apply(file: Uint8Array, header: LtxHeader, pages: readonly LtxPage[]): Uint8Array {
  const next = new Uint8Array(header.commit * header.pageSize)
  next.set(file.subarray(0, next.length))
  for (const page of pages) next.set(page.data, (page.number - 1) * header.pageSize)
  return next
}

/** The states of a real SQLite file at `path` after each of several transactions, the first one its schema. */
export function* sqliteStates(
  path: string,
  pageSize: number,
  below: (n: number) => number,
  read: (path: string) => Uint8Array,
): Generator<Uint8Array> {
  const db = new DatabaseSync(path)
  try {
    db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF`)
    db.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, amount REAL, big INTEGER, body BLOB)')
    db.exec('CREATE INDEX item_name ON item (name)')
    yield read(path)
    const insert = db.prepare('INSERT INTO item (name, amount, big, body) VALUES (?, ?, ?, ?)')
    for (let round = 0; round < 4; round++) {
      db.exec('BEGIN')
      for (let row = below(80); row >= 0; row--) {
        const body = below(3) === 0 ? somePage(below(pageSize * 2) + 1, below) : null
        const big = BigInt(below(2 ** 31)) * BigInt(below(2 ** 31))
        insert.run('müsli 🥣 '.repeat(below(9)), below(1e6) / 100, big, body)
      }
      db.exec(`DELETE FROM item WHERE id % 7 = ${below(7)}`)
      db.exec('COMMIT')
      if (round === 2) db.exec('VACUUM')
      yield read(path)
    }
  } finally {
    db.close()
  }
}

/** What `decodeLtx` gives, of a file that arrives in pieces. */
export async function decodeStream(bytes: Uint8Array, nextLength: () => number): Promise<DecodedLtx> {
  const decoder = await LtxDecoder.open(chunked(bytes, nextLength))
  const pages: LtxPage[] = []
  for await (const { number, data } of decoder.pages()) pages.push({ number, data: data.slice() })
  return { header: decoder.header, pages, checksum: decoder.checksum }
}

/** Expects `run` to throw an `LtxError` with the code, and gives it back. */
export function expectLtxError(run: () => unknown, code: LtxErrorCode): LtxError {
  let caught: unknown
  try {
    run()
  } catch (error) {
    caught = error
  }
  expect(caught).toBeInstanceOf(LtxError)
  const error = caught as LtxError
  expect(error.code, error.message).toBe(code)
  return error
}
