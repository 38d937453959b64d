/** The head of an HTTP/1.1 response, and what was written behind it at once. */
export interface Head {
  readonly status: number
  /** Names in lower case. One character of a value stands for one byte. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly rest: string
}

/** Reads a head as Node's `ServerResponse` writes it, in one string; null for 1xx, which more will follow. */
export function readHead(text: string): Head | null {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = Number(statusLine.slice(9, 12))
  if (status < 200) return null
  return { status, headers: lines.map(readLine), rest: text.slice(end + 4) }
}

function readLine(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
