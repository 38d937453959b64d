import { fileError, type LtxError } from './errors.ts'
import type { LtxHeader } from './header.ts'
import type { LtxPage } from './page-rules.ts'
import { parseLtx } from './parse.ts'

export interface DecodedLtx {
  readonly header: LtxHeader
  /** In the order of the file, each with memory of its own. */
  readonly pages: LtxPage[]
  /** The file checksum. */
  readonly checksum: bigint
}

/**
 * Decodes one whole LTX file and verifies all of it: every rule of the format, the index against the pages, the
 * checksum. Throws `LtxError` with the offset for a file that is truncated, damaged or followed by other bytes.
 */
export function decodeLtx(bytes: Uint8Array): DecodedLtx {
  const parser = parseLtx('own')
  const pages: LtxPage[] = []
  let header: LtxHeader | null = null
  let at = 0
  let step = parser.next()
  while (!step.done) {
    const { value } = step
    if (typeof value !== 'number') {
      if ('data' in value) pages.push(value)
      else header = value
      step = parser.next(NOTHING)
    } else {
      if (value > bytes.length - at) throw truncated(bytes.length, header)
      step = parser.next(bytes.subarray(at, at + value))
      at += value
    }
  }
  if (at < bytes.length) throw trailing(at)
  if (header === null) throw new Error('the parser ended without a header')
  return { header, pages, checksum: step.value.checksum }
}

/** What the parser gets for a header or a page; it needs nothing then. */
export const NOTHING = new Uint8Array(0)

/** The error for a file that ends at `offset`, before it is complete. */
export function truncated(offset: number, header: LtxHeader | null): LtxError {
  const where =
    header === null ? 'within its header' : 'before its pages, its index and its trailer are complete'
  return fileError('LTX_TRUNCATED', `the file ends ${where}`, offset)
}

/** The error for bytes at `offset`, after the trailer. */
export function trailing(offset: number): LtxError {
  return fileError('LTX_TRAILING', 'bytes follow the end of the file', offset)
}
