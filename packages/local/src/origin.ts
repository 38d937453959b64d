/**
 * Whether a browser says by this `origin` header that a page from elsewhere makes it ask. Any page that is looked at on
 * this machine could otherwise invoke functions and read buckets, since what is here asks nobody for a secret. Requests
 * that need no leave by CORS have the header too, unless they only read; then the page is not shown the answer.
 */
export function isForeign(origin: string | undefined): boolean {
  if (origin === undefined) return false
  return !/^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(URL.parse(origin)?.hostname ?? '')
}
