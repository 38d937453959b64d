import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { decodeLtx, formatTxid, linkOf } from '@thaw/ltx'
import type { Reader } from '../src/index.ts'
import type { Creation } from './bucket.ts'
import { Violation } from './history.ts'
import { observe, type Row } from './model.ts'

/** A published state, as the objects of the bucket alone give it. */
export interface State {
  readonly txid: number
  /** When its object came to be. */
  readonly tick: number
  readonly full: string
  /** How many writes it holds. */
  readonly writes: number
  /** File checksum of its object. */
  readonly checksum: bigint
}

/** The same with its bytes. */
export interface StoredState extends State {
  /** Bytes of a page. */
  readonly pageSize: number
  /** Bytes of the whole database, hashed. */
  readonly hash: string
  readonly timestamp: number
  /** Bucket's clock when its object came to be, ms. */
  readonly at: number
  /** The pages that its object brings. */
  readonly pages: ReadonlyMap<number, Uint8Array>
  readonly pageCount: number
}

export interface Replayed {
  /** From transaction 1 on. */
  readonly states: readonly StoredState[]
  /** All writes, in their order. */
  readonly rows: readonly Row[]
}

const LEVEL_0 = /^0000\/([0-9a-f]{16})-\1\.ltx$/
/** Bytes 18 and 19 of a database: 1 for a rollback journal, 2 for a write-ahead log, which a reader would look for. */
const VERSION_BYTES = [18, 19]

/**
 * Builds every state of one generation of the chain out of all the objects that ever came to be in it, with nothing of
 * the code under test.
 * @param path of a file that may be made
 * @throws Violation when the objects are no chain, or a state is damaged
 */
export function replay(created: readonly Creation[], path: string): Replayed {
  const states: StoredState[] = []
  let rows: Row[] = []
  let previous = { checksum: 0n, timestamp: 0, pageSize: 0 }
  const links = created.filter(({ key }) => key.startsWith('0000/'))
  const fd = openSync(path, 'w+')
  try {
    links.forEach(({ key, body, tick, at, by }, index) => {
      const txid = index + 1
      const fail = (what: string) => new Violation(`transaction ${txid} of ${by} (${key}) ${what}`)
      const name = formatTxid(txid)
      if (LEVEL_0.exec(key)?.[1] !== name)
        throw fail('came to be where another one was due: the history is forked')
      const { header, pages, checksum } = decodeLtx(body)
      if (header.minTxid !== txid || header.maxTxid !== txid) throw fail('has another number in its header')
      if (txid > 1 && linkOf(header) !== previous.checksum) throw fail('is not linked to the one before')
      if (header.timestamp <= previous.timestamp) throw fail('is not later than the one before')
      if (txid > 1 && header.pageSize !== previous.pageSize) throw fail('has pages of another size')
      previous = { checksum, timestamp: header.timestamp, pageSize: header.pageSize }
      for (const { number, data } of pages) {
        const written = number === 1 ? withoutLog(data) : data
        writeSync(fd, written, 0, data.length, (number - 1) * header.pageSize)
      }
      ftruncateSync(fd, header.commit * header.pageSize)
      const seen = look(path, txid === links.length)
      rows = seen.rows
      if (seen.damage !== null) throw fail(`leads to a damaged database: ${seen.damage}`)
      states.push({
        txid,
        tick,
        at,
        checksum,
        full: seen.full,
        writes: rows.length,
        hash: hashOf(readFileSync(path)),
        pageSize: header.pageSize,
        pageCount: header.commit,
        timestamp: header.timestamp,
        pages: new Map(pages.map(({ number, data: image }) => [number, image])),
      })
    })
  } finally {
    closeSync(fd)
    rmSync(path, { force: true })
  }
  return { states, rows }
}

/** A copy that no reader would look for a write-ahead log of. */
function withoutLog(database: Uint8Array): Uint8Array {
  const copy = database.slice()
  for (const at of VERSION_BYTES) copy[at] = 1
  return copy
}

/** Of a database file, whether it says that it has a write-ahead log or not. */
export function hashOf(database: Uint8Array): string {
  return createHash('sha1').update(withoutLog(database)).digest('hex')
}

function look(path: string, verify: boolean): { full: string; rows: Row[]; damage: string | null } {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const reader: Reader = {
      execute: (sql, parameters = []) => ({
        rows: db.prepare(sql).all(...(parameters as SQLInputValue[])) as never,
        changes: 0,
        lastInsertRowid: 0,
      }),
    }
    const full = observe(reader)
    const rows = full === '' ? [] : (db.prepare('SELECT * FROM ops ORDER BY seq').all() as unknown as Row[])
    const [first] = verify ? Object.values(db.prepare('PRAGMA integrity_check').get() ?? {}) : ['ok']
    return { full, rows, damage: first === 'ok' ? null : String(first) }
  } catch (error) {
    return { full: '', rows: [], damage: String(error) }
  } finally {
    db.close()
  }
}
