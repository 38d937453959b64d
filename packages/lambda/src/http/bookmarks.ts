import type { Bookmarks } from '../participant.ts'

/** In an answer: where the client has got to. In a request: where it had got to. */
export const bookmarkHeader = 'x-thaw-bookmark'

/** The bookmarks in a header: separated by commas, empty for none. What cannot be one counts as none. */
export function readBookmarks(header: string | undefined): Bookmarks {
  if (!header || header.length > 1_024) return []
  return header.split(',').map((part) => (isBookmark(part.trim()) ? part.trim() : null))
}

/** The header for `bookmarks`; null when there is nothing to say. */
export function writeBookmarks(bookmarks: Bookmarks): string | null {
  if (!bookmarks.some((bookmark) => bookmark !== null && isBookmark(bookmark))) return null
  return bookmarks.map((bookmark) => (bookmark !== null && isBookmark(bookmark) ? bookmark : '')).join(',')
}

/** `headers` of an answer with what the client is to bring back, which pages of other origins may read as well. */
export function withBookmark(headers: Record<string, string>, bookmark: string): Record<string, string> {
  const exposed = headers['access-control-expose-headers']
  return {
    ...headers,
    [bookmarkHeader]: bookmark,
    ...(headers['access-control-allow-origin'] !== undefined && {
      'access-control-expose-headers': exposed ? `${exposed}, ${bookmarkHeader}` : bookmarkHeader,
    }),
  }
}

function isBookmark(text: string): boolean {
  return /^[\w.~-]{1,128}$/.test(text)
}
