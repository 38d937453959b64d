import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { ServeConfigError } from '../../errors.ts'
import type { RequestParts } from '../../http/request.ts'
import type { OwnApp } from '../app.ts'
import type { Application } from '../application.ts'
import { Wire } from './wire.ts'

/** What `http.createServer` takes. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => unknown

/** A Fastify instance. */
export interface FastifyApp {
  ready(): PromiseLike<unknown>
  routing(request: IncomingMessage, response: ServerResponse): unknown
}

/**
 * Makes of an application for Node one for `serve`: of an Express or Fastify application, of a server that is not
 * listening, or of any listener as `http.createServer` takes it.
 *
 * @throws ServeConfigError for anything else.
 */
export function nodeListener(app: RequestListener | FastifyApp | Server): OwnApp {
  if (typeof app === 'function') return { application: listenerApplication(app) }
  if ('routing' in app && typeof app.ready === 'function') return { application: fastifyApplication(app) }
  if ('emit' in app && typeof app.emit === 'function') {
    return { application: listenerApplication((request, response) => app.emit('request', request, response)) }
  }
  throw new ServeConfigError(
    'nodeListener() takes a listener, an Express or Fastify application, or a server.',
  )
}

// Fastify has its routes and plugins in place only when it is ready; a failure to get there is each request's.
function fastifyApplication(app: FastifyApp): Application {
  const handle = listenerApplication((request, response) => app.routing(request, response))
  let ready: PromiseLike<unknown> | null = null
  return async (request, invocation) => {
    ready ??= app.ready()
    await ready
    return handle(request, invocation)
  }
}

/**
 * Calls a Node listener with Node's own request and response, at the end of a wire that leads nowhere: what the
 * listener may do is what it may do behind `http.createServer`, save upgrades.
 */
function listenerApplication(listener: RequestListener): Application {
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

interface ParsedMessage extends IncomingMessage {
  /** @param count of names and values together. */
  _addHeaderLines(rawHeaders: string[], count: number): void
}

function fill(request: IncomingMessage, { method, target, headers, body }: RequestParts): IncomingMessage {
  request.method = method
  request.url = target
  request.httpVersion = '1.1'
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  const rawHeaders: string[] = []
  for (const [name, value] of headers)
    rawHeaders.push(name, value)
    // As Node's parser gives them: the maps are made when a listener looks at them.
  ;(request as ParsedMessage)._addHeaderLines(rawHeaders, rawHeaders.length)
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
