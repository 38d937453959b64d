import type { ServerResponse } from 'node:http'
import type { Wire } from './wire.ts'

/** Does with a response what Node's server does with one of its own. */
export function connect(response: ServerResponse, wire: Wire): ServerResponse {
  // The front has a date, a connection and a framing of its own.
  response.sendDate = false
  response.shouldKeepAlive = false
  response.useChunkedEncodingByDefault = false
  response.writeHead = writeHead
  response.assignSocket(wire as never)
  wire.on('drain', onDrain)
  response.on('finish', onFinish)
  return response
}

// A listener that asks for chunks itself, as proxies do, would get their lengths between the bytes of its body. Node
// refuses to announce trailers where there are none.
function writeHead(this: ServerResponse, ...head: unknown[]): ServerResponse {
  this.chunkedEncoding = true
  // Frameworks put a prototype of their own before Node's.
  Reflect.apply(Object.getPrototypeOf(this).writeHead, this, head)
  this.chunkedEncoding = false
  return this
}

function onDrain(this: Wire): void {
  const response = this._httpMessage
  if (!response) return
  clearNeedDrain(response)
  if (!response.writableEnded) response.emit('drain')
}

/** Node's server resets this mark, which only a symbol names; a second `pipe` would wait for ever where it stayed. */
function clearNeedDrain(response: ServerResponse): void {
  const mark = Object.getOwnPropertySymbols(response).find(({ description }) => description === 'kNeedDrain')
  if (mark) Object.assign(response, { [mark]: false })
}

function onFinish(this: ServerResponse): void {
  const wire = this.socket as unknown as Wire
  wire.complete()
  this.detachSocket(wire as never)
  const { req } = this
  // Nobody will read it, and some wait for its end.
  if (!req.readableDidRead && req.listenerCount('end') + req.listenerCount('close') > 0) req.resume()
  process.nextTick(close, this)
}

function close(response: ServerResponse & { _closed?: boolean }): void {
  if (response._closed) return
  response.destroyed = true
  response._closed = true
  response.emit('close')
}
