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
export function problemResponse(error: unknown, requestId: string, exposeAll: boolean): Response {
  const traits = readTraits(error)
  if (traits.getResponse) return traits.getResponse()
  const status = traits.status ?? (traits.retryable ? 503 : 500)
  const exposed = exposeAll || (traits.expose ?? status < 500)
  const problem = {
    type: 'about:blank',
    title: titleOf(status),
    status,
    detail: exposed ? traits.message : undefined,
    code: exposed || traits.retryable ? traits.code : undefined,
    requestId,
    error: exposeAll ? describeError(error) : undefined,
  }
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(traits.retryable && { 'retry-after': '1' }),
  }
  return new Response(JSON.stringify(problem), { status, headers })
}

interface Traits {
  readonly message: string
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
    message: typeof message === 'string' ? message : String(error),
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

function titleOf(status: number): string {
  // An `import` of node:http loads all of fetch with it; this does not.
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? 'Error'
}
