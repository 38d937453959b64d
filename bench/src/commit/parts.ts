import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { encodeLtx, linkFields } from '@thaw/ltx'

const PAGE_BYTES = 4096
const FRAME_HEADER_BYTES = 24
const LOG_HEADER_BYTES = 32

/** What every commit has to do on this machine, each part by itself and with nothing of ours around it but the codec. */
export interface Parts extends Disposable {
  /** The transaction in plain node:sqlite: BEGIN, INSERT, COMMIT, in a log that is not synced. */
  sqlite(): void
  /** Another connection leaves the state that it reads, and begins to read the new one. */
  reader(): void
  /** The page that was changed last, out of the write-ahead log, which is read up to its end. */
  log(): void
  /** That page as an LTX file. */
  encode(): void
  /** Passes over what nobody has read from the log. */
  skip(): void
}

export function openParts(directory: string): Parts {
  const path = join(directory, 'parts.db')
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0')
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
  const [begin, insert, commit] = ['BEGIN IMMEDIATE', 'INSERT INTO t(v) VALUES (?)', 'COMMIT'].map((sql) =>
    db.prepare(sql),
  )
  const other = new DatabaseSync(path, { readOnly: true })
  const [enter, look, leave] = ['BEGIN', 'PRAGMA schema_version', 'COMMIT'].map((sql) => other.prepare(sql))
  enter?.run()
  look?.run()
  const log = openSync(`${path}-wal`, 'r')
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + PAGE_BYTES)
  let frames = 0
  return {
    sqlite() {
      begin?.run()
      insert?.run('one row')
      commit?.run()
    },
    reader() {
      leave?.run()
      enter?.run()
      look?.run()
    },
    log() {
      const before = frames
      while (readSync(log, frame, 0, frame.length, LOG_HEADER_BYTES + frames * frame.length) > 0) frames++
      if (frames === before) throw new Error('nothing was added to the write-ahead log')
    },
    encode() {
      const txid = frames + 1
      const chain = { nodeId: 0x1234_5678_9abc_def0n, ...linkFields(0x8123_4567_89ab_cdefn) }
      const number = frame.readUInt32BE(0)
      const commit = frame.readUInt32BE(4)
      const header = { pageSize: PAGE_BYTES, commit, minTxid: txid, maxTxid: txid, timestamp: Date.now() }
      const data = frame.subarray(FRAME_HEADER_BYTES)
      const { bytes } = encodeLtx({ ...header, ...chain }, [{ number, data }])
      if (bytes.length === 0) throw new Error('nothing was encoded')
    },
    skip() {
      frames = (fstatSync(log).size - LOG_HEADER_BYTES) / frame.length
    },
    [Symbol.dispose]() {
      closeSync(log)
      other.close()
      db.close()
    },
  }
}
