import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { lockPage } from '@thaw/ltx'
import type { PageSet } from '../replica.ts'
import { sameState } from './successor.ts'

const READ_BYTES = 1024 * 1024

/** A whole state of a database: a file that nobody has open, without a log beside it. To be closed. */
export class StateFile {
  readonly path: string
  readonly pageSize: number
  readonly #fd: number
  #open = true

  constructor(path: string, pageSize: number) {
    this.path = path
    this.pageSize = pageSize
    this.#fd = openSync(path, 'r')
  }

  get pageCount(): number {
    return fstatSync(this.#fd).size / this.pageSize
  }

  /** The images of `count` pages from `first` on, one after the other. */
  read(first: number, count = 1): Uint8Array {
    const bytes = new Uint8Array(count * this.pageSize)
    const position = (first - 1) * this.pageSize
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#fd, bytes, done, bytes.length - done, position + done)
      if (read === 0) throw new Error(`${this.path} ends at byte ${position + done}`)
      done += read
    }
    return bytes
  }

  close(): void {
    if (this.#open) closeSync(this.#fd)
    this.#open = false
  }
}

/**
 * The pages of `target` that are not in `head` or are different there. Page 1 counts as the same when only its
 * counters differ.
 */
export function differingPages(head: StateFile, target: StateFile): Set<number> {
  const { pageSize, pageCount } = target
  const common = Math.min(head.pageCount, pageCount)
  const pagesAtOnce = READ_BYTES / pageSize
  const differing = new Set<number>()
  for (let first = 1; first <= common; first += pagesAtOnce) {
    const count = Math.min(pagesAtOnce, common - first + 1)
    const [ours, theirs] = [target.read(first, count), head.read(first, count)]
    for (let i = 0; i < count; i++) {
      const range = [i * pageSize, (i + 1) * pageSize] as const
      if (!same(first + i, ours.subarray(...range), theirs.subarray(...range))) differing.add(first + i)
    }
  }
  for (let page = common + 1; page <= pageCount; page++) differing.add(page)
  differing.delete(lockPage(pageSize))
  return differing
}

/**
 * Brings `differing` up to date when `change` has been made to the head, without reading all of it again.
 * @param headPages pages of the head before the change
 */
export function differAfter(
  differing: Set<number>,
  change: PageSet,
  headPages: number,
  target: StateFile,
): void {
  const { pageCount } = target
  for (const [page, image] of change.pages) {
    if (page > pageCount) continue
    if (same(page, target.read(page), image)) differing.delete(page)
    else differing.add(page)
  }
  // What the change cut off has to be there again.
  for (let page = change.pageCount + 1; page <= Math.min(headPages, pageCount); page++) differing.add(page)
  differing.delete(lockPage(target.pageSize))
}

function same(page: number, one: Uint8Array, other: Uint8Array): boolean {
  return page === 1 ? sameState(one, other) : Buffer.compare(one, other) === 0
}
