import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import type { HttpFront } from '@thaw/app'
import { LocalError } from '../errors.ts'
import { close, listen } from '../listen.ts'
import { albGateway } from './alb/gateway.ts'
import { answerRequest, type ExchangeOptions } from './exchange.ts'
import { functionUrl } from './function-url/gateway.ts'
import type { Gateway } from './gateway.ts'
import { httpApi } from './http-api/gateway.ts'
import { restApi } from './rest-api/gateway.ts'

export interface FrontOptions extends Omit<ExchangeOptions, 'gateways'> {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  /** Whether load balancers have multi-value headers. */
  readonly albMultiValue?: boolean
  /** How long every front waits for a whole answer, in place of its own time. */
  readonly timeoutMs?: number
  /** Sees every request first: true when it answers the request itself. */
  intercept?(incoming: IncomingMessage, response: ServerResponse): boolean
  /** Whether a request to upgrade goes to the server's `upgrade` event; any other is a plain request. */
  upgrades?(incoming: IncomingMessage): boolean
}

export interface Front {
  /** `http://127.0.0.1:3000`. */
  readonly url: string
  /** Emits `upgrade` for the requests that `upgrades` wants. */
  readonly server: Server
  close(): Promise<void>
}

/** More than any front takes, so that each can refuse in its own words. */
const maxHeaderSize = 96 * 1024

/**
 * All that stands before functions, on one port of this machine. Throws `LocalError` `PORT_IN_USE` or `LISTEN_FAILED`.
 */
export async function startFront(options: FrontOptions): Promise<Front> {
  const { host, log } = options
  const exchange: ExchangeOptions = { ...options, gateways: createGateways(options) }
  const answer = (incoming: IncomingMessage, response: ServerResponse) => {
    if (options.intercept?.(incoming, response)) return
    answerRequest(exchange, incoming, response).catch((error: unknown) => {
      // A client that went away has nobody to answer, and a simulator that was closed nobody who answers.
      const expected = incoming.destroyed && !incoming.complete
      const closed = error instanceof LocalError && error.code === 'CLOSED'
      if (!expected && !closed) log(`${incoming.method} ${incoming.url}: ${inspect(error)}`, 'simulator')
      response.destroy()
    })
  }
  const shouldUpgradeCallback = (incoming: IncomingMessage) => options.upgrades?.(incoming) ?? false
  const server = createServer({ maxHeaderSize, shouldUpgradeCallback }, answer)
  // Only a request that is going to be read is told to continue.
  server.on('checkContinue', answer)
  const url = await listen(server, { host, port: options.port, what: 'the application', log })
  return { url, server, close: () => close(server) }
}

function createGateways({ albMultiValue = false, timeoutMs }: FrontOptions): Record<HttpFront, Gateway> {
  const timed = (gateway: Gateway): Gateway =>
    timeoutMs === undefined ? gateway : { ...gateway, limits: { ...gateway.limits, timeoutMs } }
  return {
    'http-api': timed(httpApi),
    'rest-api': timed(restApi),
    'function-url': timed(functionUrl),
    alb: timed(albGateway(albMultiValue)),
  }
}
