/** What a request may have wrong; stable, for programs. */
export type RequestErrorCode =
  | 'BODY_NOT_JSON'
  | 'INVALID_BODY'
  | 'TOO_MANY_ROWS'
  | 'UNKNOWN_REFERENCE'
  | 'INVALID_KEY'
  | 'KEY_REUSED'
  | 'INVALID_QUERY'
  | 'USER_NOT_FOUND'
  | 'ROUTE_NOT_FOUND'

/** One thing wrong with a body: where it is, as a JSON pointer (`#/transactions/3/amount`), and what. */
export interface Problem {
  readonly pointer: string
  readonly detail: string
}

const STATUS = {
  BODY_NOT_JSON: 400,
  INVALID_BODY: 422,
  TOO_MANY_ROWS: 413,
  UNKNOWN_REFERENCE: 422,
  INVALID_KEY: 400,
  KEY_REUSED: 422,
  INVALID_QUERY: 422,
  USER_NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
} as const satisfies Record<RequestErrorCode, number>

const TITLE: Record<RequestErrorCode, string> = {
  BODY_NOT_JSON: 'The body is not JSON',
  INVALID_BODY: 'The body is not valid',
  TOO_MANY_ROWS: 'Too many rows',
  UNKNOWN_REFERENCE: 'Rows refer to what does not exist',
  INVALID_KEY: 'The idempotency key is not valid',
  KEY_REUSED: 'The idempotency key was used for another body',
  INVALID_QUERY: 'The query is not valid',
  USER_NOT_FOUND: 'No such user',
  ROUTE_NOT_FOUND: 'No such route',
}

/** How many problems an answer lists; `errorCount` tells how many there were. */
const LISTED = 100

/** A request that cannot be served as it is; nothing was changed. Its answer is RFC 9457 problem JSON. */
export class RequestError extends Error {
  readonly code: RequestErrorCode
  readonly problems: readonly Problem[]

  constructor(
    code: RequestErrorCode,
    detail: string,
    problems: readonly Problem[] = [],
    options?: ErrorOptions,
  ) {
    super(detail, options)
    this.name = 'RequestError'
    this.code = code
    this.problems = problems
  }

  get status(): (typeof STATUS)[RequestErrorCode] {
    return STATUS[this.code]
  }

  getResponse(): Response {
    const { code, status, message: detail, problems } = this
    const errors =
      problems.length === 0 ? {} : { errorCount: problems.length, errors: problems.slice(0, LISTED) }
    return new Response(
      JSON.stringify({ type: 'about:blank', title: TITLE[code], status, code, detail, ...errors }),
      {
        status,
        headers: { 'content-type': 'application/problem+json' },
      },
    )
  }
}
