import type { Buffer } from 'node:buffer'

/** The head of an HTTP/1.1 response. */
export interface Head {
  readonly status: number
  /** Names in lower case. One character of a value stands for one byte. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** In bytes, the empty line at its end included. */
  readonly length: number
}

/** Reads the head that Node wrote at the beginning of `bytes`, behind any 1xx ones; null when there is more to come. */
export function readHead(bytes: Buffer): Head | null {
  let start = 0
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', start, 'latin1')
    if (end < 0) return null
    const [statusLine = '', ...lines] = bytes.toString('latin1', start, end).split('\r\n')
    const status = Number(statusLine.slice(9, 12))
    start = end + 4
    if (status >= 200) return { status, headers: lines.map(readLine), length: start }
  }
}

function readLine(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
