import { closeSync, copyFileSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type SeededRandom, seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../test/kit.ts'
import { readWalTail, type WalCursor, type WalTail } from './wal.ts'

const HEADER = 32
const FRAME_HEADER = 24
const LOGS = 16
/** More of them: THAW_MUTATIONS=100000 */
const MUTATIONS_OF_EACH = Number(process.env.THAW_MUTATIONS ?? 250)

/** A log that SQLite wrote, and what the database file is after each of its transactions, as SQLite sees it. */
interface Sample {
  /** The file as it was before the log. */
  readonly path: string
  readonly pageSize: number
  readonly wal: Buffer
  /** Contents of the file: before the log, then after each transaction. */
  readonly states: readonly Buffer[]
  /** Length of the log after each transaction; 0 before the first. */
  readonly ends: readonly number[]
}

function sample(random: SeededRandom, directory: string): Sample {
  const pageSize = random.pick([512, 1024, 4096])
  const path = join(directory, `${random.seed.replaceAll('/', '-')}.db`)
  const db = new DatabaseSync(path)
  try {
    db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0`)
    db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = 10; CREATE TABLE t(id INTEGER PRIMARY KEY, v)')
    if (random.chance(0.5)) {
      // The log starts over in the same file, so that frames of its earlier life follow those of this one.
      db.exec('INSERT INTO t(v) VALUES (zeroblob(20000)); DELETE FROM t; PRAGMA wal_checkpoint(RESTART)')
    } else db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const log = () => readFileSync(`${path}-wal`)
    const states: Buffer[] = [readFileSync(path)]
    const ends = [0]
    change(db, random, 0) // begins this life of the log
    states.push(stateOf(path, log()))
    ends.push(endOf(log(), pageSize))
    for (let n = random.integer(1, 6); n > 0; n--) {
      change(db, random)
      const end = endOf(log(), pageSize)
      if (end === ends.at(-1)) continue // rolled back
      states.push(stateOf(path, log()))
      ends.push(end)
    }
    copyFileSync(path, `${path}.before`)
    return { path: `${path}.before`, pageSize, wal: log(), states, ends }
  } finally {
    db.close()
  }
}

function change(db: DatabaseSync, random: SeededRandom, kind = random.integer(1, 8)): void {
  const insert = db.prepare('INSERT INTO t(v) VALUES (?)')
  if (kind === 1) return void db.exec('VACUUM')
  db.exec('BEGIN')
  for (let n = random.integer(1, 30); n > 0; n--) insert.run(random.bytes(random.integer(1, 900)))
  if (kind === 2) db.exec('DELETE FROM t')
  // Spilled out of the small cache: frames in the log that no commit ever follows, until others overwrite them.
  db.exec(kind === 3 ? 'ROLLBACK' : 'COMMIT')
}

/** Where the last transaction ends, by the salts alone, which is right for a log that was just written. */
function endOf(wal: Buffer, pageSize: number): number {
  let end = 0
  for (let at = HEADER; at < wal.length; at += FRAME_HEADER + pageSize) {
    if (wal.compare(wal, 16, 24, at + 8, at + 16) !== 0) break
    if (wal.readUInt32BE(at + 4) > 0) end = at + FRAME_HEADER + pageSize
  }
  return end
}

/** What SQLite makes of a file with a log, in a copy. */
function stateOf(path: string, wal: Buffer): Buffer {
  const copy = `${path}.copy`
  copyFileSync(path, copy)
  writeFileSync(`${copy}-wal`, wal)
  const db = new DatabaseSync(copy)
  db.exec('PRAGMA synchronous = OFF; PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  return readFileSync(copy)
}

/** Damage of every kind that a file can take, and some that only a liar can. */
const MUTATIONS: Record<string, (wal: Buffer, random: SeededRandom, frameSize: number) => Buffer> = {
  'a bit': (wal, random) => {
    const at = random.integer(0, wal.length - 1)
    wal.writeUInt8(wal.readUInt8(at) ^ (1 << random.integer(0, 7)), at)
    return wal
  },
  noise: (wal, random) => {
    const at = random.integer(0, wal.length - 1)
    wal.set(random.bytes(Math.min(random.integer(1, 64), wal.length - at)), at)
    return wal
  },
  zeros: (wal, random) => {
    const at = random.integer(0, wal.length - 1)
    return wal.fill(0, at, Math.min(wal.length, at + random.integer(1, 2000)))
  },
  'cut off': (wal, random) => wal.subarray(0, random.integer(0, wal.length)),
  'longer by noise': (wal, random) => Buffer.concat([wal, random.bytes(random.integer(1, 3000))]),
  'a byte lost': (wal, random) => {
    const at = random.integer(0, wal.length - 1)
    return Buffer.concat([wal.subarray(0, at), wal.subarray(at + 1)])
  },
  'a frame over another': (wal, random, size) => {
    const frames = Math.floor((wal.length - HEADER) / size)
    if (frames === 0) return wal
    const [from, to] = [random.integer(0, frames - 1), random.integer(0, frames - 1)]
    wal.copyWithin(HEADER + to * size, HEADER + from * size, HEADER + (from + 1) * size)
    return wal
  },
  'the salts of a frame': (wal, random, size) => {
    const frames = Math.floor((wal.length - HEADER) / size)
    if (frames > 0)
      wal.set(random.bytes(4), HEADER + random.integer(0, frames - 1) * size + random.pick([8, 12]))
    return wal
  },
  'a frame lost': (wal, random, size) => {
    const frames = Math.floor((wal.length - HEADER) / size)
    if (frames === 0) return wal
    const at = HEADER + random.integer(0, frames - 1) * size
    return Buffer.concat([wal.subarray(0, at), wal.subarray(at + size)])
  },
  'a header field, sealed again': (wal, random) => {
    if (wal.length < HEADER) return wal
    wal.set(random.bytes(4), random.pick([0, 4, 8, 12, 16, 20]))
    return sealHeader(wal, false)
  },
  'the other byte order, sealed again': (wal) => {
    if (wal.length < HEADER) return wal
    wal.writeUInt32BE(wal.readUInt32BE(0) ^ 1, 0)
    return sealHeader(wal, wal.readUInt32BE(0) === 0x377f0683)
  },
}

function sealHeader(wal: Buffer, bigEndian: boolean): Buffer {
  const [s0, s1] = checksum(wal.subarray(0, 24), [0, 0], bigEndian)
  wal.writeUInt32BE(s0, 24)
  wal.writeUInt32BE(s1, 28)
  return wal
}

/** The checksum of the format's description, written down again. */
function checksum(bytes: Buffer, from: readonly [number, number], bigEndian: boolean): [number, number] {
  let [s0, s1] = from
  const word = (at: number) => (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at))
  for (let at = 0; at < bytes.length; at += 8) {
    s0 = (s0 + word(at) + s1) % 2 ** 32
    s1 = (s1 + word(at + 4) + s0) % 2 ** 32
  }
  return [s0, s1]
}

function read(path: string, wal: Buffer, pageSize: number, cursor: WalCursor | null): WalTail | null {
  writeFileSync(path, wal)
  const fd = openSync(path, 'r')
  try {
    return readWalTail(fd, pageSize, cursor)
  } finally {
    closeSync(fd)
  }
}

function applied(state: Buffer, tail: WalTail, pageSize: number): Buffer {
  const next = Buffer.alloc(tail.pageCount * pageSize)
  state.copy(next)
  for (const [page, data] of tail.pages) next.set(data, (page - 1) * pageSize)
  return next
}

/** Which state of the sample a tail that was read behind state `from` leads to; fails when to none. */
function expectState(sample: Sample, tail: WalTail, from: number, message: string): number {
  const index = sample.ends.indexOf(tail.cursor.offset)
  expect(index, `${message}: a transaction ends at ${tail.cursor.offset}`).toBeGreaterThan(from)
  const reached = applied(sample.states[from] as Buffer, tail, sample.pageSize)
  expect(Buffer.compare(reached, sample.states[index] as Buffer), `${message}: state ${index}`).toBe(0)
  return index
}

test('a log that SQLite wrote is read whole, and from behind each of its transactions', () => {
  const directory = temporaryDirectory()
  for (let n = 0; n < LOGS; n++) {
    const one = sample(seededRandom(`whole/${n}`), directory)
    const path = join(directory, 'read-wal')
    const last = one.ends.length - 1
    let cursor: WalCursor | null = null
    for (let from = 0; from < last; from++) {
      const message = `seed whole/${n} from ${from}`
      const tail = read(path, one.wal, one.pageSize, cursor)
      expect(tail && expectState(one, tail, from, message), message).toBe(last)
      const next = read(path, one.wal.subarray(0, one.ends[from + 1]), one.pageSize, cursor)
      expect(next && expectState(one, next, from, message), message).toBe(from + 1)
      cursor = next?.cursor ?? null
    }
    expect(read(path, one.wal, one.pageSize, cursor)).toBe(null)
  }
})

test('what was read of a log stays as it is while others are read', () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'read-wal')
  const one = sample(seededRandom('kept/one'), directory)
  const other = sample(seededRandom('kept/other'), directory)
  const tail = read(path, one.wal, one.pageSize, null)
  read(path, other.wal, other.pageSize, null)
  expect(tail && expectState(one, tail, 0, 'seed kept/one')).toBe(one.ends.length - 1)
})

test('a log that was restarted is read from its start, whatever an earlier life has left behind the cursor', () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'restarted.db')
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0')
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v)')
  const log = openSync(`${path}-wal`, 'r')
  try {
    const insert = db.prepare('INSERT INTO t(v) VALUES (?)')
    const before = readWalTail(log, 4096, null)
    // Spilled into the log and rolled back: frames that continue it, and that no commit ends.
    db.exec('PRAGMA cache_size = 5; BEGIN')
    for (let i = 0; i < 50; i++) insert.run(Buffer.alloc(4000, i))
    db.exec('ROLLBACK')
    expect(readFileSync(`${path}-wal`).length).toBeGreaterThan((before?.cursor.offset ?? 0) + 10 * 4096)
    expect(readWalTail(log, 4096, before?.cursor ?? null)).toBe(null)
    db.exec('PRAGMA wal_checkpoint(RESTART)')
    expect(readWalTail(log, 4096, before?.cursor ?? null)).toBe(null)
    insert.run('of the new life')
    const after = readWalTail(log, 4096, before?.cursor ?? null)
    expect(after?.cursor.offset).toBe(HEADER + FRAME_HEADER + 4096)
    expect(after?.cursor.salt1).not.toBe(before?.cursor.salt1)
    expect([...(after?.offsets.values() ?? [])]).toEqual([HEADER + FRAME_HEADER])
    expect(readWalTail(log, 4096, after?.cursor ?? null)).toBe(null)
  } finally {
    closeSync(log)
    db.close()
  }
})

test('a log of a machine with the other byte order is read as well', () => {
  const directory = temporaryDirectory()
  for (let n = 0; n < LOGS; n++) {
    const one = sample(seededRandom(`order/${n}`), directory)
    const { pageSize, ends } = one
    const wal = Buffer.from(one.wal.subarray(0, ends.at(-1)))
    const bigEndian = wal.readUInt32BE(0) === 0x377f0682
    wal.writeUInt32BE(bigEndian ? 0x377f0683 : 0x377f0682, 0)
    sealHeader(wal, bigEndian)
    let sums: [number, number] = [wal.readUInt32BE(24), wal.readUInt32BE(28)]
    for (let at = HEADER; at < wal.length; at += FRAME_HEADER + pageSize) {
      sums = checksum(wal.subarray(at, at + 8), sums, bigEndian)
      sums = checksum(wal.subarray(at + FRAME_HEADER, at + FRAME_HEADER + pageSize), sums, bigEndian)
      wal.writeUInt32BE(sums[0], at + 16)
      wal.writeUInt32BE(sums[1], at + 20)
    }
    const tail = read(join(directory, 'read-wal'), wal, pageSize, null)
    expect(tail && expectState(one, tail, 0, `seed order/${n}`)).toBe(ends.length - 1)
  }
})

test('a damaged header is an error: a log that was taken for empty would lose what is in it', () => {
  const directory = temporaryDirectory()
  const one = sample(seededRandom('header'), directory)
  for (let bit = 0; bit < HEADER * 8; bit++) {
    const wal = Buffer.from(one.wal)
    wal.writeUInt8(wal.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    expect(() => read(join(directory, 'damaged-wal'), wal, one.pageSize, null), `bit ${bit}`).toThrow(
      /write-ahead log/,
    )
  }
})

test('of a damaged log, what is read is an error, nothing, or the transactions before the damage', () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'damaged-wal')
  const seen = { errors: 0, nothing: 0, some: 0, all: 0 }
  for (let n = 0; n < LOGS; n++) {
    const random = seededRandom(`damage/${n}`)
    const one = sample(random, directory)
    const cursors = cursorsOf(path, one)
    for (let i = 0; i < MUTATIONS_OF_EACH; i++) {
      const kind = random.pick(Object.keys(MUTATIONS))
      const from = random.integer(0, cursors.length - 1)
      const message = `seed damage/${n}, mutation ${i}: ${kind}, read behind transaction ${from}`
      const damaged = MUTATIONS[kind]?.(Buffer.from(one.wal), random, FRAME_HEADER + one.pageSize)
      let tail: WalTail | null = null
      try {
        tail = read(path, damaged ?? one.wal, one.pageSize, cursors[from] ?? null)
      } catch (error) {
        expect((error as Error).message, message).toMatch(/write-ahead log/)
        seen.errors++
        continue
      }
      const reached = tail ? expectState(one, tail, from, message) : from
      if (tail === null) seen.nothing++
      else if (reached === one.ends.length - 1) seen.all++
      else seen.some++
      if (from > 0 || !random.chance(0.25)) continue
      const recovered = stateOf(one.path, readFileSync(path))
      expect(Buffer.compare(recovered, one.states[reached] as Buffer), `${message}, by SQLite`).toBe(0)
    }
  }
  for (const [outcome, times] of Object.entries(seen)) expect(times, outcome).toBeGreaterThan(50)
})

/** Behind which transaction one may stand: null before the first. */
function cursorsOf(path: string, { wal, pageSize, ends }: Sample): (WalCursor | null)[] {
  const whole = ends.slice(1).map((end) => read(path, wal.subarray(0, end), pageSize, null)?.cursor ?? null)
  return [null, ...whole]
}
