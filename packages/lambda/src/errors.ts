/** The handler was invoked with something that is no HTTP event. */
export class NotHttpEventError extends Error {
  readonly code = 'EVENT_NOT_HTTP'

  constructor(seen: string) {
    super(
      'This function answers HTTP events (API Gateway REST and HTTP APIs, Function URLs, load balancers, VPC Lattice ' +
        `with event structure V2), but was invoked with ${seen}. Point that event source at another function.`,
    )
    this.name = 'NotHttpEventError'
  }
}

/** The handler of a queue was invoked with something that is no batch of SQS messages. */
export class NotQueueEventError extends Error {
  readonly code = 'EVENT_NOT_QUEUE'

  constructor(seen: string) {
    super(
      `This function works on batches of SQS messages, but was invoked with ${seen}. ` +
        'Point that event source at another function.',
    )
    this.name = 'NotQueueEventError'
  }
}

/** The handler of a WebSocket API was invoked with something that is none of its events. */
export class NotSocketEventError extends Error {
  readonly code = 'EVENT_NOT_SOCKET'

  constructor(seen: string) {
    super(
      `This function works on events of a WebSocket API, but was invoked with ${seen}. ` +
        'Point that event source at another function.',
    )
    this.name = 'NotSocketEventError'
  }
}

/** A message or an event whose content is not what the handler works on. */
export class InvalidBodyError extends Error {
  readonly code = 'BODY_INVALID'

  /** @param what such as `The body of message 1234`. */
  constructor(what: string, problem: string, cause?: unknown) {
    super(`${what} ${problem}`, cause === undefined ? undefined : { cause })
    this.name = 'InvalidBodyError'
  }
}

/** An HTTP event with a field that no front would write: it was made by hand, or damaged. */
export class MalformedEventError extends Error {
  readonly code = 'EVENT_MALFORMED'
  readonly status = 500
  /** The message names a field; it says nothing that whoever made the event does not know. */
  readonly expose = true

  constructor(field: string, problem: string) {
    super(`The event's ${field} ${problem}`)
    this.name = 'MalformedEventError'
  }
}

/** The second argument of the handler is no Lambda context. */
export class InvalidContextError extends Error {
  readonly code = 'CONTEXT_INVALID'

  constructor(problem: string) {
    super(`The handler's second argument is no Lambda context: ${problem}`)
    this.name = 'InvalidContextError'
  }
}

/** `serve` was given something it cannot work with. Thrown while the function starts, before any event. */
export class ServeConfigError extends Error {
  readonly code = 'SERVE_CONFIG'

  constructor(problem: string) {
    super(problem)
    this.name = 'ServeConfigError'
  }
}

/** A request that cannot be given to any fetch-style application; the client gets `status` and the message. */
export class RequestRefusedError extends Error {
  readonly code = 'REQUEST_REFUSED'
  readonly status: 400 | 501

  constructor(status: 400 | 501, problem: string) {
    super(problem)
    this.name = 'RequestRefusedError'
    this.status = status
  }
}

/** The application answered with something that no front can send. */
export class InvalidResponseError extends Error {
  readonly code = 'RESPONSE_INVALID'

  constructor(problem: string) {
    super(problem)
    this.name = 'InvalidResponseError'
  }
}

/** The encoded answer is larger than Lambda or the front accepts. */
export class ResponseTooLargeError extends Error {
  readonly code = 'RESPONSE_TOO_LARGE'
  readonly status = 502
  /** The message says nothing that a client must not know. */
  readonly expose = true

  /** @param size and `limit` of the whole answer as `taker` gets it, in bytes. */
  constructor(size: number, limit: number, taker: string) {
    super(
      `The answer is ${size} bytes once encoded for ${taker}, over its limit of ${limit} bytes. ` +
        'Ask for less, in pages, or for a link to an object in a bucket.',
    )
    this.name = 'ResponseTooLargeError'
  }
}

/** The answer could not be streamed to its end, because nobody takes it any more: the client or the front is gone. */
export class StreamClosedError extends Error {
  readonly code = 'STREAM_CLOSED'

  constructor(cause: Error | undefined) {
    super('The stream for the answer was closed before the answer was complete.', cause && { cause })
    this.name = 'StreamClosedError'
  }
}

/** The invocation's time was up before there was an answer. */
export class DeadlineError extends Error {
  readonly code = 'DEADLINE_EXCEEDED'
  readonly status = 504
  /** The message says nothing that a client must not know. */
  readonly expose = true

  /** @param limitMs the time that Lambda gave, in ms. */
  constructor(limitMs: number) {
    super(
      `The function has not finished within its time limit (${Math.round(limitMs)} ms). What it has begun may or may ` +
        'not be done. Do less in one request, or give the function a longer timeout.',
    )
    this.name = 'DeadlineError'
  }
}

/** A request to a service of AWS got no answer, or could not be made. */
export class AwsCallError extends Error {
  readonly code = 'AWS_CALL_FAILED'

  /** @param what such as `ssm did not answer POST https://…`. */
  constructor(what: string, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    this.name = 'AwsCallError'
  }
}

/** A WebSocket connection could not be sent to or closed, for another reason than that it is closed. */
export class ConnectionError extends Error {
  readonly code = 'CONNECTION_FAILED'
  readonly connectionId: string
  /** What the management API answered; null when it did not. */
  readonly answered: number | null

  constructor(connectionId: string, answered: number | null, problem: string, cause?: unknown) {
    const hints: Partial<Record<number, string>> = {
      403: ' The function needs execute-api:ManageConnections on this API.',
      413: ' A message is at most 128 KB.',
      429: ' Send more slowly.',
    }
    const status = answered === null ? '' : `status ${answered}: `
    super(
      `Connection ${connectionId}: ${status}${problem}${hints[answered ?? 0] ?? ''}`,
      cause === undefined ? undefined : { cause },
    )
    this.name = 'ConnectionError'
    this.connectionId = connectionId
    this.answered = answered
  }
}

/** A secret or a parameter could not be had. */
export class SecretError extends Error {
  readonly code = 'SECRET_UNAVAILABLE'

  constructor(what: string, problem: string, cause?: unknown) {
    super(`${what}: ${problem}`, cause === undefined ? undefined : { cause })
    this.name = 'SecretError'
  }
}
