import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeLtx, encodeLtx } from '../src/index.ts'
import { apply, decodeStream, pagesOf, random, sqliteStates } from './support.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thaw-ltx-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test.each([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])(
  'a real database with pages of %i bytes is rebuilt from its files after every transaction',
  async (pageSize) => {
    const below = random(pageSize)
    let before = new Uint8Array(0)
    let rebuilt: Uint8Array = new Uint8Array(0)
    let txid = 0
    const read = (path: string) => new Uint8Array(readFileSync(path))
    for (const state of sqliteStates(join(folder, 'source.db'), pageSize, below, read)) {
      const pages = pagesOf(state, pageSize)
      const changed = pages.filter(({ number, data }) => {
        const start = (number - 1) * pageSize
        return Buffer.compare(before.subarray(start, start + pageSize), data) !== 0
      })
      txid++
      const header = { pageSize, commit: pages.length, minTxid: txid, maxTxid: txid, timestamp: txid }
      const previousCommit = before.length / pageSize
      const compression = txid % 2 === 0 ? 'block' : 'frame'
      const { bytes, checksum } = encodeLtx(header, changed, { compression, previousCommit })

      const decoded = decodeLtx(bytes)
      expect(decoded.checksum).toBe(checksum)
      rebuilt = apply(rebuilt, decoded.header, decoded.pages)
      expect(Buffer.compare(rebuilt, state), `transaction ${txid}`).toBe(0)

      expect(await decodeStream(bytes, () => 1 + below(5000))).toEqual(decoded)
      before = new Uint8Array(state)
    }
    expect(txid).toBe(5)
    const path = join(folder, 'rebuilt.db')
    writeFileSync(path, rebuilt)
    const db = new DatabaseSync(path)
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    db.close()
  },
)
