import { DatabaseSync } from 'node:sqlite'
import { seededRandom } from '@thaw/testing'

export interface FileOptions {
  /** About how large the file becomes. */
  readonly bytes: number
  /** Size of the value in each row, and how much of it cannot be compressed. */
  readonly rowBytes: number
  readonly randomBytes: number
  readonly seed: string | number
}

const POOL_BYTES = 1024 * 1024
const ROW_OVERHEAD_BYTES = 70
const MOST_OWNERS = 1_000_000

/**
 * Makes a plain SQLite file with one table `t(id, owner, v)` and an index over its owners, which come in random order.
 * @returns the number of rows
 */
export function makeFile(path: string, { bytes, rowBytes, randomBytes, seed }: FileOptions): number {
  const random = seededRandom(seed)
  // Compression does not look beyond a page, so values may be cut out of one pool.
  const pool = random.bytes(POOL_BYTES + randomBytes)
  const rows = Math.floor(bytes / (rowBytes + ROW_OVERHEAD_BYTES))
  const db = new DatabaseSync(path)
  try {
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144')
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, owner INTEGER, v BLOB); BEGIN')
    const insert = db.prepare('INSERT INTO t(owner, v) VALUES (?, ?)')
    const value = new Uint8Array(rowBytes)
    for (let i = 0; i < rows; i++) {
      const at = random.integer(0, POOL_BYTES)
      value.set(pool.subarray(at, at + randomBytes))
      insert.run(random.integer(0, MOST_OWNERS), value)
    }
    db.exec('CREATE INDEX by_owner ON t(owner); COMMIT')
    return rows
  } finally {
    db.close()
  }
}
