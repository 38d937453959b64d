import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { importDatabase, openSqlite } from '@thaw/sqlite'
import { folderStore, type ObjectStore } from '@thaw/store'
import { seededRandom, temporaryDirectory } from '@thaw/testing'
import { makeFile } from '../data.ts'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const SIZES = [
  ['1mb', 1],
  ['10mb', 10],
  ['50mb', 50],
  ['100mb', 100],
  ['1gb', 1_000],
] as const
const ROW_BYTES = 1_000
const COMMITS = 101
/** So that what is measured lands among rows of its own kind, at every size. */
const SMALL_ROWS_BEFORE = 500

/** What a one-row transaction sends to the bucket, beside the file that a whole-file upload would send. */
export const commitBytes: Bench = {
  names: SIZES.map(([name]) => `commit.bytes.${name}`),
  async run(wanted) {
    for (const [name, megabytes] of SIZES) {
      const bench = `commit.bytes.${name}`
      if (wanted(bench)) await measure(bench, megabytes)
    }
  },
}

async function measure(bench: string, megabytes: number): Promise<void> {
  await using directory = await temporaryDirectory('thaw-bench')
  const file = join(directory.path, 'file.db')
  makeFile(file, {
    bytes: megabytes * 1_000_000,
    rowBytes: ROW_BYTES,
    randomBytes: ROW_BYTES,
    seed: megabytes,
  })
  const inner = folderStore(join(directory.path, 'bucket'))
  await importDatabase({ store: inner, description: bench }, file)
  rmSync(file)
  let uploaded = 0
  const store: ObjectStore = {
    ...inner,
    put: (key, body, options) => {
      if (!(body instanceof Uint8Array)) throw new Error(`${key} is put in pieces, which are not counted`)
      uploaded += body.length
      return inner.put(key, body, options)
    },
  }
  const db = await openSqlite({ store, directory: directory.path, maintainEvery: 0 })
  try {
    const random = seededRandom(megabytes)
    const smallRow = () => [random.integer(0, 1_000_000), `row ${random.next()}`]
    const insert = 'INSERT INTO t(owner, v) VALUES (?, ?)'
    await db.atomic((tx) => {
      for (let i = 0; i < SMALL_ROWS_BEFORE; i++) tx.execute(insert, smallRow())
    })
    const [size] = (
      await db.execute('SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size')
    ).rows
    const sent: number[] = []
    for (let i = 0; i < COMMITS; i++) {
      uploaded = 0
      await db.atomic((tx) => tx.execute(insert, smallRow()))
      sent.push(uploaded)
    }
    report({
      bench,
      value: median(sent),
      unit: 'bytes',
      reference: { what: 'the database as a file', value: Number(size?.n) },
    })
  } finally {
    await db.close()
    await inner.close()
  }
}
