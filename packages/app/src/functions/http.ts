import type { Report } from '../checks.ts'
import { fronts, type HttpFront, type HttpFunction, type Route } from '../model.ts'
import { defaultRoute, readRoute } from '../route.ts'
import { show } from '../units.ts'
import { type BaseBounds, type BaseReader, readFlag, readOptional } from './base.ts'

/**
 * An HTTP API gives up on a function after 30 s ("Maximum integration timeout" of its quotas), a REST API after 29 unless
 * its account has more.
 */
const patience: Readonly<Partial<Record<HttpFront, BaseBounds['timeout']>>> = {
  'http-api': {
    seconds: 30,
    because: 'an HTTP API answers 503 after 30 s while the function runs on and is billed',
  },
  'rest-api': {
    seconds: 29,
    because: 'a REST API answers 504 after 29 s while the function runs on and is billed',
  },
}

/** `MaxConcurrencyPerEnvironment` of `AWS::Lambda::WebFunctionRevision`. */
const mostRequests = 128

const ownOptions = ['route', 'front', 'stream', 'requestsPerEnvironment']

export function readHttp(
  report: Report,
  at: string,
  source: Readonly<Record<string, unknown>>,
  readBase: BaseReader,
): HttpFunction {
  const front = readFront(report, at, source)
  const stream = front === 'rest-api' && isStreaming(source)
  // A REST API that streams waits for 15 minutes.
  const timeout = stream ? undefined : patience[front]
  const { options, ...base } = readBase({
    options: ownOptions,
    ...(timeout === undefined ? {} : { timeout }),
  })
  const requestsPerEnvironment = readRequests(report, `${at}.requestsPerEnvironment`, options, front)
  if (requestsPerEnvironment > 1 && base.layers.length > 0)
    report.add(`${at}.layers`, 'are not for a Web Function, which Lambda gives none; leave them out')
  return {
    kind: 'http',
    ...base,
    front,
    routes: readRoutes(report, `${at}.route`, options.route, front),
    stream: readStream(report, `${at}.stream`, options.stream, front),
    requestsPerEnvironment,
  }
}

function readFront(report: Report, at: string, { options }: Readonly<Record<string, unknown>>): HttpFront {
  const { front = 'http-api' } = (options ?? {}) as { front?: unknown }
  if ((fronts as readonly unknown[]).includes(front)) return front as HttpFront
  report.add(`${at}.front`, `${show(front)} is unknown; it is one of ${fronts.join(', ')}`)
  return 'http-api'
}

function isStreaming({ options }: Readonly<Record<string, unknown>>): boolean {
  return (options as { stream?: unknown } | undefined)?.stream === true
}

function readStream(report: Report, at: string, value: unknown, front: HttpFront): boolean {
  const stream = readFlag(report, at, value)
  if (!stream || front === 'function-url' || front === 'rest-api') return stream
  report.add(
    at,
    `is not possible behind ${show(front)}, which waits for whole answers; take 'function-url' or 'rest-api'`,
  )
  return false
}

function readRequests(
  report: Report,
  at: string,
  options: Readonly<Record<string, unknown>>,
  front: HttpFront,
): number {
  const requests =
    readOptional(report, at, options.requestsPerEnvironment, {
      min: 1,
      max: mostRequests,
      unit: 'requests',
    }) ?? 1
  if (requests > 1 && front !== 'function-url') {
    report.add(
      at,
      `more than 1 makes a Web Function, which has an address of its own: say front: 'function-url'`,
    )
    return 1
  }
  return requests
}

function readRoutes(report: Report, at: string, value: unknown, front: HttpFront): readonly Route[] {
  if (front === 'function-url') {
    if (value !== undefined)
      report.add(at, `is for an API; a Function URL sends every request to its function`)
    return []
  }
  if (value === undefined) return [defaultRoute]
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (texts.length === 0) report.add(at, `is an empty list; leave it out to take what no other route takes`)
  const routes: Route[] = []
  for (const [index, text] of texts.entries()) {
    const parsed = readRoute(text)
    if ('problem' in parsed) report.add(Array.isArray(value) ? `${at}[${index}]` : at, parsed.problem)
    else routes.push(parsed.value)
  }
  return routes
}
