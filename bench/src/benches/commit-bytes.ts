import { openSqlite } from '@thaw/sqlite'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { seededRandom, temporaryDirectory } from '@thaw/testing'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const MEGABYTES = [1, 10, 50]
const ROW_BYTES = 1_000
const COMMITS = 101
/** So that what is measured lands among rows of its own kind, at every size. */
const SMALL_ROWS_BEFORE = 500

/** What a one-row transaction sends to the bucket, beside the file that a whole-file upload would send. */
export const commitBytes: Bench = {
  names: MEGABYTES.map((megabytes) => `commit.bytes.${megabytes}mb`),
  async run() {
    for (const megabytes of MEGABYTES) await measure(megabytes)
  },
}

async function measure(megabytes: number): Promise<void> {
  await using directory = await temporaryDirectory('thaw-bench')
  let uploaded = 0
  const inner = memoryStore()
  const store: ObjectStore = {
    ...inner,
    put: (key, body, options) => {
      uploaded += body instanceof Uint8Array ? body.length : body.reduce((sum, part) => sum + part.length, 0)
      return inner.put(key, body, options)
    },
  }
  const db = await openSqlite({ store, directory: directory.path })
  try {
    const random = seededRandom(megabytes)
    const smallRow = () => [random.integer(0, 1_000_000), `row ${random.next()}`]
    await db.atomic((tx) => {
      tx.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, owner INTEGER, v BLOB)')
      tx.execute('CREATE INDEX by_owner ON t(owner)')
      const rows = Math.floor((megabytes * 1_000_000) / (ROW_BYTES + 70))
      const insert = 'INSERT INTO t(owner, v) VALUES (?, ?)'
      for (let i = 0; i < rows; i++)
        tx.execute(insert, [random.integer(0, 1_000_000), random.bytes(ROW_BYTES)])
      for (let i = 0; i < SMALL_ROWS_BEFORE; i++) tx.execute(insert, smallRow())
    })
    const [size] = (
      await db.execute('SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size')
    ).rows
    const sent: number[] = []
    for (let i = 0; i < COMMITS; i++) {
      uploaded = 0
      await db.atomic((tx) => tx.execute('INSERT INTO t(owner, v) VALUES (?, ?)', smallRow()))
      sent.push(uploaded)
    }
    report({
      bench: `commit.bytes.${megabytes}mb`,
      value: median(sent),
      unit: 'bytes',
      reference: { what: 'the database as a file', value: Number(size?.n) },
    })
  } finally {
    await db.close()
  }
}
