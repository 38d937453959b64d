import { readResponse } from './apps/fetch.ts'
import { fixedBody, type ResponseParts } from './http/response.ts'
import { statusText } from './http/status.ts'
import { describeError } from './log.ts'

/**
 * The answer to something thrown: RFC 9457 problem details with the request id.
 *
 * An error says by its properties how it is to be answered: with its `status` (400 to 599); with 503 and
 * `Retry-After` when it is `retryable`; with the response its `getResponse()` makes; otherwise with 500. The message
 * is shown to the client for a 4xx, unless `expose` is false on the error, and for any error whose `expose` is true.
 *
 * @param exposeAll shows every message, and the stack with its causes.
 */
export function problemResponse(error: unknown, requestId: string, exposeAll: boolean): ResponseParts {
  const traits = readTraits(error)
  if (traits.getResponse) return readResponse(traits.getResponse())
  const status = traits.status ?? (traits.retryable ? 503 : 500)
  const exposed = exposeAll || (traits.expose ?? status < 500)
  const problem = {
    type: 'about:blank',
    title: statusText(status),
    status,
    detail: exposed ? traits.message : undefined,
    code: exposed || traits.retryable ? traits.code : undefined,
    requestId,
    error: exposeAll ? describeError(error) : undefined,
  }
  const headers: [string, string][] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
  ]
  if (traits.retryable) headers.push(['retry-after', '1'])
  // No `Response`: the first of a process costs as much as many a cold start.
  return { status, headers, body: fixedBody(Buffer.from(JSON.stringify(problem))) }
}

interface Traits {
  readonly message: string | undefined
  readonly status: number | undefined
  readonly code: string | undefined
  readonly expose: boolean | undefined
  readonly retryable: boolean
  readonly getResponse: (() => Response) | undefined
}

// By property, not by class: the error may be of any package, and of another copy of it.
function readTraits(error: unknown): Traits {
  const { message, status, code, expose, retryable, getResponse } = Object(error) as Record<string, unknown>
  return {
    message: typeof message === 'string' ? message : undefined,
    status: isErrorStatus(status) ? status : undefined,
    code: typeof code === 'string' ? code : undefined,
    expose: typeof expose === 'boolean' ? expose : undefined,
    retryable: retryable === true,
    getResponse: typeof getResponse === 'function' ? () => getResponse.call(error) : undefined,
  }
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599
}
