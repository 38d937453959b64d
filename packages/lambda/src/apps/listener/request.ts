import type { IncomingMessage } from 'node:http'
import type { RequestParts } from '../../http/request.ts'

interface ParsedMessage extends IncomingMessage {
  /** @param count of names and values together. */
  _addHeaderLines(rawHeaders: string[], count: number): void
}

/** Does with a request what Node's server does when its parser has read it. */
export function fill(
  request: IncomingMessage,
  { method, target, headers: pairs, body }: RequestParts,
): IncomingMessage {
  request.method = method
  request.url = target
  request.httpVersion = '1.1'
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  const rawHeaders: string[] = []
  const headers: IncomingMessage['headers'] = {}
  for (const [name, value] of pairs) {
    rawHeaders.push(name, value)
    headers[name] = name === 'set-cookie' ? ([value] as never) : value
  }
  ;(request as ParsedMessage)._addHeaderLines(rawHeaders, rawHeaders.length)
  // Each name is there once and in lower case, so that there is nothing to be done for this map that Node would do.
  request.headers = headers
  request.complete = true
  // Most requests have no body that anybody reads.
  const { _read } = request
  request._read = (size) => {
    _read.call(request, size)
    // A copy, which is the listener's to change: it may be run again.
    if (body) request.push(Buffer.from(body))
    request.push(null)
  }
  return request
}
