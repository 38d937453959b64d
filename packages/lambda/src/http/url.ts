import { RequestRefusedError } from '../errors.ts'

/** Encodes a path that the front has decoded: everything but path characters, `%` included. */
export function encodeDecodedPath(path: string): string {
  return encodeURI(path.toWellFormed()).replaceAll('?', '%3F').replaceAll('#', '%23')
}

/** Leaves an encoded path as it is, save characters that would end the path or be taken for `/`. */
export function encodeRawPath(path: string): string {
  return encodeCharacters(path, /[^\x21-\x7e]+|[?#\\]/g)
}

/** Leaves a query string as it is, save characters that would end it or that no URL holds. */
export function encodeRawQuery(query: string): string {
  return encodeCharacters(query, /[^\x21-\x7e]+|#/g)
}

function encodeCharacters(text: string, characters: RegExp): string {
  return text === '' ? text : text.toWellFormed().replace(characters, encodeURIComponent)
}

/**
 * `path` without `prefix` where whole segments of it agree, otherwise `path`: `/api` is no prefix of `/apix`.
 * The result begins with `/`.
 */
export function removePrefix(path: string, prefix: string): string {
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return path
  return path.slice(prefix.length) || '/'
}

/** `path`, made to begin with `/`, without those of `prefixes` that it begins with, one after the other. */
export function stripPrefixes(path: string, prefixes: readonly string[]): string {
  const start = path.startsWith('/') ? path : `/${path}`
  return prefixes.reduce((rest, prefix) => (prefix === '' ? rest : removePrefix(rest, prefix)), start)
}

/**
 * Scheme, host and port as a URL writes them (`https://example.com`). Throws `RequestRefusedError` for a host
 * that would leak into the rest of the URL or that no URL can hold.
 */
export function originOf(scheme: 'http' | 'https', host: string): string {
  const written = `${scheme}://${host}`
  // A function has few hosts, mostly one, and parsing its URL costs half of reading a request.
  if (written !== lastWritten) {
    const plain = /^(?:[\w.~-]+|\[[\dA-Fa-f:.]+\])(?::\d{1,5})?$/.test(host)
    const url = plain ? URL.parse(written) : null
    if (!url) throw new RequestRefusedError(400, `The Host header is no host: ${JSON.stringify(host)}`)
    lastWritten = written
    lastOrigin = url.origin
  }
  return lastOrigin
}

let lastWritten = ''
let lastOrigin = ''
