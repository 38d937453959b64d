import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { decodeLtx, formatTxid, linkOf, noteOf } from '@thaw/ltx'
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
  /** How many writes lead to it. */
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
/** What a state that is had again does not share with the old one: https://www.sqlite.org/fileformat2.html */
const CHANGE_COUNTER = 24
const SCHEMA_COOKIE = 40
const VERSION_VALID_FOR = 92
const SQLITE_VERSION = 96

/**
 * Builds every state of one generation of the chain out of all the objects that ever came to be in it, with nothing of
 * the code under test.
 * @param path of a file that may be made
 * @param restores the transactions that were to be gone back to, by who was to do that
 * @throws Violation when the objects are no chain, or a state is damaged
 */
export function replay(
  created: readonly Creation[],
  path: string,
  restores: ReadonlyMap<string, number> = new Map(),
): Replayed {
  const states: StoredState[] = []
  const rows: Row[] = []
  let held: readonly Row[] = []
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
      const asksOthersToWait = noteOf(header) > 0
      const hash = hashOf(readFileSync(path))
      if (asksOthersToWait && hash !== states.at(-1)?.hash)
        throw fail('asks others to wait, and changes something')
      const to = asksOthersToWait ? undefined : restores.get(by)
      if (to === undefined) {
        if (held.some(({ id }, at) => seen.rows[at]?.id !== id)) throw fail('takes back what was written')
        rows.push(...seen.rows.slice(held.length))
      } else
        rows.push({ seq: seen.rows.length, id: by, kind: 'restore', arg: String(states[to - 1]?.writes) })
      held = seen.rows
      if (seen.damage !== null) throw fail(`leads to a damaged database: ${seen.damage}`)
      states.push({
        txid,
        tick,
        at,
        checksum,
        full: seen.full,
        writes: rows.length,
        hash,
        pageSize: header.pageSize,
        pageCount: header.commit,
        timestamp: header.timestamp,
        pages: new Map(pages.map(({ number, data: image }) => [number, image])),
      })
      if (to !== undefined) checkRestored(states, to, fail)
    })
  } finally {
    closeSync(fd)
    rmSync(path, { force: true })
  }
  return { states, rows }
}

/** A state that the database has again has the same pages, and counters that nobody has seen before. */
function checkRestored(states: readonly StoredState[], to: number, fail: (what: string) => Violation): void {
  const [old, head, again] = [to, states.length - 1, states.length].map((txid) => imageAt(states, txid))
  if (!old || !head || !again) throw fail('has nothing before it')
  if (!withoutCounters(again).equals(withoutCounters(old)))
    throw fail(`is not the state of transaction ${to}`)
  for (const at of [CHANGE_COUNTER, SCHEMA_COOKIE]) {
    if (again.readUInt32BE(at) <= Math.max(old.readUInt32BE(at), head.readUInt32BE(at)))
      throw fail(`has a counter at byte ${at} that is not above that of its head and its target`)
  }
}

function imageAt(states: readonly StoredState[], txid: number): Buffer | null {
  const last = states[txid - 1]
  if (!last) return null
  const { pageSize, pageCount } = last
  const image = Buffer.alloc(pageSize * pageCount)
  for (const { pages, pageCount: size } of states.slice(0, txid)) {
    for (const [page, data] of pages) if (page <= pageCount) image.set(data, (page - 1) * pageSize)
    image.fill(0, size * pageSize)
  }
  return image
}

function withoutCounters(database: Uint8Array): Buffer {
  const copy = Buffer.from(withoutLog(database))
  for (const at of [CHANGE_COUNTER, SCHEMA_COOKIE, VERSION_VALID_FOR, SQLITE_VERSION])
    copy.writeUInt32BE(0, at)
  return copy
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
