import { BookmarkError } from './errors.ts'

/** A state of a database that somebody has seen. */
export interface Bookmark {
  /** Which database: the file checksum of its first transaction; null where that is not known. */
  readonly identity: bigint | null
  /** The last transaction of that state, from 1 on. */
  readonly txid: number
}

/** At most 31 characters, all of them hex digits but for one hyphen: 16 for the database (0: unknown), the rest for the transaction. */
export function formatBookmark({ identity, txid }: Bookmark): string {
  return `${identity === null ? '0' : identity.toString(16).padStart(16, '0')}-${txid.toString(16)}`
}

/** @throws BookmarkError `BOOKMARK_MALFORMED` */
export function parseBookmark(text: string): Bookmark {
  const bookmark = readBookmark(text)
  if (bookmark) return bookmark
  throw new BookmarkError(
    'BOOKMARK_MALFORMED',
    `${JSON.stringify(text.slice(0, 40))} is no bookmark: give back what \`bookmark\` gave, or none`,
  )
}

/** Null for a text that is none. */
export function readBookmark(text: string): Bookmark | null {
  const match = /^(0|[0-9a-f]{16})-([1-9a-f][0-9a-f]{0,13})$/.exec(text)
  const txid = Number.parseInt(match?.[2] ?? '', 16)
  if (!match || !Number.isSafeInteger(txid)) return null
  return { identity: match[1] === '0' ? null : BigInt(`0x${match[1]}`), txid }
}
