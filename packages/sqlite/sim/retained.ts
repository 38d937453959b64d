import { readFileSync, rmSync } from 'node:fs'
import { decodeLtx, linkOf, lockPage } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import { restore } from '../src/restore.ts'
import type { Creation } from './bucket.ts'
import { Violation } from './history.ts'
import { hashOf, type StoredState } from './replay.ts'

const FILE = /^([0-9a-f]{4})\/([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/

interface File {
  readonly key: string
  readonly level: number
  readonly first: number
  readonly last: number
}

function parse(key: string): File | null {
  const [, level, first, last] = FILE.exec(key) ?? []
  if (level === undefined || first === undefined || last === undefined) return null
  const hex = (digits: string) => Number.parseInt(digits, 16)
  return { key, level: hex(level), first: hex(first), last: hex(last) }
}

/**
 * Whether every compaction and every snapshot that ever came to be holds what its transactions hold, page for page.
 * @throws Violation
 */
export function checkMerged(created: readonly Creation[], states: readonly StoredState[]): void {
  for (const { key, body, by } of created) {
    const file = parse(key)
    if (!file || file.level === 0) continue
    const fail = (what: string) => new Violation(`${key}, made by ${by}, ${what}`)
    const merged = states.slice(file.first - 1, file.last)
    const last = merged.at(-1)
    if (!last || merged.length !== file.last - file.first + 1) throw fail('covers what there never was')
    const { header, pages } = decodeLtx(body)
    if (header.minTxid !== file.first || header.maxTxid !== file.last)
      throw fail('says otherwise in its header')
    if (
      header.pageSize !== last.pageSize ||
      header.commit !== last.pageCount ||
      header.timestamp !== last.timestamp
    )
      throw fail('is not of the size and time of its last transaction')
    // Where there is no transaction before, the database is named by its first one.
    const before = states[Math.max(0, file.first - 2)]?.checksum
    if (header.nodeId !== before || linkOf(header) !== last.checksum)
      throw fail('has another place in the chain')
    const expected = new Map<number, Uint8Array>()
    for (const state of merged) for (const [page, image] of state.pages) expected.set(page, image)
    for (const page of expected.keys()) if (page > last.pageCount) expected.delete(page)
    if (pages.length !== expected.size) throw fail(`has ${pages.length} pages, not ${expected.size}`)
    for (const { number, data } of pages) {
      if (number === lockPage(header.pageSize)) throw fail('has the lock page')
      if (!Buffer.from(data).equals(expected.get(number) ?? new Uint8Array()))
        throw fail(`has an old or a foreign page ${number}`)
    }
  }
}

/**
 * Whether all that the bucket still holds can be restored, and is what it was; and whether it holds all that was to be
 * kept.
 * @param keptSince every transaction from that time on has to be there by itself (the bucket's clock, ms)
 * @param path of a file that may be made
 * @param tried which of the restore points to restore; all when absent
 * @throws Violation
 */
export async function checkRestorePoints(
  store: ObjectStore,
  states: readonly StoredState[],
  keptSince: number,
  path: string,
  tried = (_txid: number) => true,
): Promise<void> {
  const files: File[] = []
  for await (const { key } of store.list('')) files.push(...[parse(key)].filter((file) => file !== null))
  const ends = new Set(files.map(({ last }) => last))
  for (const { txid, at } of states) {
    if (!ends.has(txid) && at >= keptSince) throw new Violation(`restore point ${txid} is not kept`)
  }
  if (states.length > 0 && !ends.has(states.length)) throw new Violation('the newest transaction is gone')
  for (const end of [...ends].sort((a, b) => a - b)) {
    if (!leadTo(files, end)) {
      const isPast = end < states.length && (states[end - 1]?.at ?? 0) < keptSince
      if (isPast) continue // what it was built upon went before it, as it may
      throw new Violation(`what leads to restore point ${end} is not kept`)
    }
    if (tried(end)) await checkRestored(store, states, end, path)
  }
}

/** Whether an unbroken row of files leads from nothing to that transaction. */
function leadTo(files: readonly File[], end: number): boolean {
  let reached = 0
  for (;;) {
    const next = Math.max(
      0,
      ...files.filter(({ first, last }) => first <= reached + 1 && last <= end).map(({ last }) => last),
    )
    if (next <= reached) return reached === end
    reached = next
  }
}

async function checkRestored(
  store: ObjectStore,
  states: readonly StoredState[],
  end: number,
  path: string,
): Promise<void> {
  try {
    const { txid } = await restore({ store, description: 'bucket' }, path, end)
    if (txid !== end) throw new Violation(`restoring transaction ${end} ended at ${txid}`)
    if (hashOf(readFileSync(path)) !== states[end - 1]?.hash)
      throw new Violation(`transaction ${end} was restored as another state`)
  } catch (error) {
    if (error instanceof Violation) throw error
    throw new Violation(`transaction ${end} cannot be restored: ${error}`)
  } finally {
    rmSync(path, { force: true })
  }
}
