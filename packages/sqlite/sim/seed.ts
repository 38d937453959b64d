import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { encodeLtx, formatTxid, linkFields } from '@thaw/ltx'
import { TABLES } from './model.ts'

/**
 * A chain that was there before: the tables in its first transaction, one write in each further one.
 * @param count how many transactions
 * @param now ms since the epoch
 */
export function makeChain(
  directory: string,
  name: string,
  count: number,
  layout: { readonly pageSize: number; readonly autoVacuum: boolean },
  now: number,
): [string, Uint8Array][] {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, `${name}.db`)
  const db = new DatabaseSync(path)
  const { pageSize, autoVacuum } = layout
  db.exec(
    `PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${autoVacuum ? 'FULL' : 'NONE'}; PRAGMA synchronous = OFF`,
  )
  db.exec(`PRAGMA journal_mode = WAL; BEGIN; ${TABLES.join('; ')}; COMMIT`)
  const objects: [string, Uint8Array][] = []
  let previous = 0n
  let before = Buffer.alloc(0)
  for (let txid = 1; txid <= count; txid++) {
    if (txid > 1) db.exec(`INSERT INTO ops (id, kind, arg) VALUES ('${name}-${txid}', 'put', '')`)
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const file = readFileSync(path)
    const commit = file.length / pageSize
    const pages: { number: number; data: Uint8Array }[] = []
    for (let at = 0; at < file.length; at += pageSize) {
      const data = file.subarray(at, at + pageSize)
      if (!data.equals(before.subarray(at, at + pageSize))) pages.push({ number: at / pageSize + 1, data })
    }
    before = file
    const link = txid === 1 ? {} : linkFields(previous)
    const timestamp = now + txid
    const { bytes, checksum } = encodeLtx(
      { pageSize, commit, minTxid: txid, maxTxid: txid, timestamp, ...link },
      pages,
    )
    previous = checksum
    const number = formatTxid(txid)
    objects.push([`0000/${number}-${number}.ltx`, bytes])
  }
  db.close()
  rmSync(path)
  return objects
}
