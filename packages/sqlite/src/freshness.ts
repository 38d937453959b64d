import { type Bookmark, parseBookmark, readBookmark } from './bookmark.ts'
import { SqliteStoreError } from './errors.ts'
import type { Freshness } from './types.ts'

/** What a read wants of the state that it sees, all of it. */
export interface Wanted {
  /** As new as the head was when the request began. */
  readonly strong: boolean
  readonly bookmark: Bookmark | null
  /** Whether a bookmark that cannot be honoured is as good as `strong`, and not an error. */
  readonly orStrong: boolean
  /** As new as the head was so many ms ago. */
  readonly withinMs: number | null
}

export const STRONG: Wanted = { strong: true, bookmark: null, orStrong: false, withinMs: null }

/** @throws BookmarkError `BOOKMARK_MALFORMED`; SqliteStoreError `BAD_OPTION` */
export function wantedBy(freshness: Freshness): Wanted {
  if (freshness === 'strong') return STRONG
  const { bookmark, withinMs, otherwise } = freshness
  if (bookmark === undefined && withinMs === undefined) {
    throw new SqliteStoreError('BAD_OPTION', "freshness is 'strong', or has a bookmark, withinMs or both")
  }
  if (withinMs !== undefined && !(withinMs >= 0)) {
    throw new SqliteStoreError('BAD_OPTION', `withinMs is ${withinMs}: it has to be 0 ms or more`)
  }
  if (
    otherwise !== undefined &&
    (otherwise !== 'strong' || bookmark === undefined || withinMs !== undefined)
  ) {
    throw new SqliteStoreError(
      'BAD_OPTION',
      "otherwise is 'strong', and belongs to a bookmark without withinMs",
    )
  }
  const wanted = { ...STRONG, strong: false, withinMs: withinMs ?? null }
  if (bookmark === undefined) return wanted
  if (!otherwise) return { ...wanted, bookmark: parseBookmark(bookmark) }
  const given = readBookmark(bookmark)
  return given ? { ...wanted, bookmark: given, orStrong: true } : STRONG
}
