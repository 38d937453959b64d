import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestParts } from '../../http/request.ts'
import type { Application } from '../application.ts'
import { Wire } from './wire.ts'

/** What `http.createServer` takes. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => unknown

/**
 * Calls a Node listener with Node's own request and response, at the end of a wire that leads nowhere: what the
 * listener may do is what it may do behind `http.createServer`, save upgrades.
 */
export function listenerApplication(listener: RequestListener): Application {
  const { IncomingMessage, ServerResponse } = process.getBuiltinModule('node:http')
  return (parts, { clientAddress }) => {
    const wire = new Wire(clientAddress ?? undefined, parts.origin.startsWith('https:'))
    const request = fill(new IncomingMessage(wire as never), parts)
    const response = connect(new ServerResponse(request), wire)
    try {
      const returned = listener(request, response)
      if (returned instanceof Promise) returned.catch((error) => wire.fail(error))
    } catch (error) {
      wire.fail(error)
    }
    return wire.answer
  }
}

function fill(request: IncomingMessage, { method, target, headers, body }: RequestParts): IncomingMessage {
  request.method = method
  request.url = target
  request.httpVersion = '1.1'
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  request.rawHeaders = [...headers].flat()
  request.headers = Object.fromEntries(headers)
  request.headersDistinct = Object.fromEntries([...headers].map(([name, value]) => [name, [value]]))
  request.complete = true
  if (body) request.push(body)
  request.push(null)
  return request
}

/** Does what Node's server does with a response of its own. */
function connect(response: ServerResponse, wire: Wire): ServerResponse {
  // The front has a date, a connection and a framing of its own.
  response.sendDate = false
  response.shouldKeepAlive = false
  response.useChunkedEncodingByDefault = false
  // A listener that asks for chunks itself, as proxies do, would get their lengths between the bytes of its body.
  const { writeHead } = response
  response.writeHead = (...head: unknown[]) => {
    Reflect.apply(writeHead, response, head)
    response.chunkedEncoding = false
    return response
  }
  response.assignSocket(wire as never)
  wire.on('drain', () => {
    clearNeedDrain(response)
    if (!response.writableEnded) response.emit('drain')
  })
  response.on('finish', () => {
    wire.complete()
    response.detachSocket(wire as never)
    process.nextTick(() => response.emit('close'))
  })
  return response
}

/** Node's server resets this mark, which only a symbol names; a second `pipe` would wait for ever where it stayed. */
function clearNeedDrain(response: ServerResponse): void {
  const mark = Object.getOwnPropertySymbols(response).find(({ description }) => description === 'kNeedDrain')
  if (mark) Object.assign(response, { [mark]: false })
}
