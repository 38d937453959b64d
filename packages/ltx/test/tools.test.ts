import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeLtx, encodeLtx, formatTxid, linkFields, linkOf, readLtxHeader } from '../src/index.ts'
import { apply, pagesOf, random, sqliteStates } from './support.ts'

/** The public tools, where they are installed: go install github.com/superfly/ltx/cmd/ltx@latest, litestream.io */
const has = (command: string) => spawnSync(command, ['version']).status === 0
const ltx = has('ltx')
const litestream = has('litestream')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thaw-ltx-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`)
  return stdout
}

/** Litestream's layout in a folder; in a bucket the level is four hex digits instead. */
function put(level: number, minTxid: number, maxTxid: number, bytes: Uint8Array): string {
  const directory = join(folder, 'replica', 'ltx', String(level))
  mkdirSync(directory, { recursive: true })
  const path = join(directory, `${formatTxid(minTxid)}-${formatTxid(maxTxid)}.ltx`)
  writeFileSync(path, bytes)
  return path
}

interface Chain {
  states: Uint8Array[]
  paths: string[]
  checksums: bigint[]
}

/** A chain of transactions, each linked to the one before. */
function writeChain(compression: 'block' | 'frame', pageSize: number): Chain {
  const read = (path: string) => new Uint8Array(readFileSync(path))
  const states = [...sqliteStates(join(folder, 'source.db'), pageSize, random(pageSize), read)]
  const paths: string[] = []
  const checksums: bigint[] = []
  for (const [i, state] of states.entries()) {
    const before = states[i - 1] ?? new Uint8Array(0)
    const changed = pagesOf(state, pageSize).filter(({ number, data }) => {
      const start = (number - 1) * pageSize
      return Buffer.compare(before.subarray(start, start + pageSize), data) !== 0
    })
    const previous = checksums[i - 1]
    const header = {
      pageSize,
      commit: state.length / pageSize,
      minTxid: i + 1,
      maxTxid: i + 1,
      timestamp: 1700000000000 + i,
      nodeId: 0xfedcba9876543210n,
      ...(previous === undefined ? {} : linkFields(previous, 1_000 * i)),
    }
    const { bytes, checksum } = encodeLtx(header, changed, { compression })
    paths.push(put(0, i + 1, i + 1, bytes))
    checksums.push(checksum)
  }
  return { states, paths, checksums }
}

function restore(...options: string[]): Uint8Array {
  const output = join(folder, 'restored.db')
  rmSync(output, { force: true })
  run('litestream', 'restore', ...options, '-o', output, `file://${join(folder, 'replica')}`)
  return new Uint8Array(readFileSync(output))
}

for (const compression of ['block', 'frame'] as const) {
  test.skipIf(!ltx)(`ltx verifies and lists a chain of linked files, ${compression}s`, () => {
    const { paths, checksums } = writeChain(compression, 4096)
    expect(run('ltx', 'verify', ...paths)).toContain('ok')
    const dump = run('ltx', 'dump', paths[1] as string)
    expect(dump).toContain(`File Checksum: ${(checksums[1] as bigint).toString(16)}`)
    const salts = (checksums[0] as bigint).toString(16).padStart(16, '0')
    expect(dump).toContain(`WAL salt:   ${salts.slice(0, 8)} ${salts.slice(8)}`)
  })

  test.skipIf(!litestream)(
    `litestream restores a chain of linked files to any transaction, ${compression}s`,
    () => {
      const { states } = writeChain(compression, 512)
      for (const [i, state] of states.entries()) {
        expect(Buffer.compare(restore('-txid', formatTxid(i + 1)), state), `transaction ${i + 1}`).toBe(0)
      }
      expect(Buffer.compare(restore(), states[states.length - 1] as Uint8Array)).toBe(0)
    },
  )
}

test.skipIf(!litestream || !ltx)('compactions and snapshots that keep the link restore too', () => {
  const { states, paths, checksums } = writeChain('block', 4096)
  const state = states[2] as Uint8Array
  const decoded = [1, 2].map((i) => decodeLtx(readFileSync(paths[i] as string)))
  const newest = new Map(
    decoded.flatMap(({ pages }) => pages.map((page) => [page.number, page.data] as const)),
  )
  const header = { ...readLtxHeader(readFileSync(paths[2] as string)), minTxid: 2, nodeId: 0n }
  const pages = [...newest].map(([number, data]) => ({ number, data })).sort((a, b) => a.number - b.number)
  const compacted = put(1, 2, 3, encodeLtx(header, pages).bytes)
  expect(linkOf(readLtxHeader(readFileSync(compacted)))).toBe(checksums[1])
  for (const path of paths.slice(1, 3)) rmSync(path)
  expect(Buffer.compare(restore(), states[4] as Uint8Array)).toBe(0)

  const snapshot = put(9, 1, 3, encodeLtx({ ...header, minTxid: 1 }, pagesOf(state, 4096)).bytes)
  expect(run('ltx', 'verify', snapshot, compacted)).toContain('ok')
  for (const path of [compacted, paths[0] as string]) rmSync(path)
  expect(Buffer.compare(restore(), states[4] as Uint8Array)).toBe(0)
})

test.skipIf(!litestream)('what litestream itself writes is read, and rebuilds its database', () => {
  const path = join(folder, 'app.db')
  const replica = join(folder, 'replica')
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT)')
  const replicate = (...options: string[]) =>
    run('litestream', 'replicate', ...options, path, `file://${replica}`)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 50; i++)
      db.prepare('INSERT INTO note (body) VALUES (?)').run(`note ${round} ${i} `.repeat(9))
    replicate('-once', ...(round === 2 ? ['-force-snapshot'] : []))
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const rows = db.prepare('SELECT * FROM note').all()
  db.close()

  const level = (n: number) => {
    const directory = join(replica, 'ltx', String(n))
    return readdirSync(directory)
      .sort()
      .map((name) => decodeLtx(readFileSync(join(directory, name))))
  }
  const raw = level(0)
  expect(raw.length).toBeGreaterThan(1)
  for (const { header } of raw) expect(linkOf(header)).toBeNull()
  for (const files of [raw, level(9).slice(-1)]) {
    const rebuilt = files.reduce(
      (file, { header, pages }) => apply(file, header, pages),
      new Uint8Array(0) as Uint8Array,
    )
    writeFileSync(join(folder, 'rebuilt.db'), rebuilt)
    const copy = new DatabaseSync(join(folder, 'rebuilt.db'))
    expect(copy.prepare('SELECT * FROM note').all()).toEqual(rows)
    copy.close()
  }
})
