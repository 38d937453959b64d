/** The head of an HTTP/1.1 response, and what was written behind it at once. */
export interface Head {
  readonly status: number
  /** Names in lower case. One character of a value stands for one byte. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly rest: string
}

/** Reads a head as Node's `ServerResponse` writes it, in one string; null for 1xx that another will follow. */
export function readHead(text: string): Head | null {
  const status = Number(text.slice(9, 12))
  if (status < 200 && status !== 101) return null
  const headers: [name: string, value: string][] = []
  let start = text.indexOf('\r\n') + 2
  let end = text.indexOf('\r\n', start)
  while (end > start) {
    const colon = text.indexOf(':', start)
    headers.push([text.slice(start, colon).toLowerCase(), withoutSpace(text.slice(colon + 1, end))])
    start = end + 2
    end = text.indexOf('\r\n', start)
  }
  return { status, headers, rest: text.slice(end + 2) }
}

// Not by `trim`, which takes the byte 0xA0 for a space: many a character ends in it.
function withoutSpace(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, '')
}
