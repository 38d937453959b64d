import { AsyncLocalStorage } from './async-context.ts'
import type { Deadline } from './deadline.ts'
import { InvalidContextError } from './errors.ts'
import type { Caller, HttpEvent } from './fronts/exchange.ts'
import { type Identity, nobody } from './identity.ts'

/**
 * The part of Lambda's context object that Thaw and most applications use.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
export interface LambdaContext {
  readonly awsRequestId: string
  readonly functionName: string
  readonly functionVersion: string
  readonly invokedFunctionArn: string
  /** Configured memory in MB, as a string. */
  readonly memoryLimitInMB: string
  readonly logGroupName: string
  readonly logStreamName: string
  getRemainingTimeInMillis(): number
}

/** One event on its way through the function. */
export interface Invocation {
  /** Lambda's request id, the one its log lines carry. */
  readonly requestId: string
  /** When Lambda ends the invocation, in ms since the epoch. */
  readonly deadline: number
  /**
   * Aborts with `DeadlineError` shortly before the deadline, when the error answer is sent: hand it to whatever may
   * take long, such as `fetch`.
   */
  readonly signal: AbortSignal
  /** True for the first event of this process. */
  readonly coldStart: boolean
  /** The X-Ray trace that this is part of, such as `1-5759e988-bd862e3fe1be46a994272793`; null without one. */
  readonly traceId: string | null
  /** Address of the client as the front saw it; null when the event does not say. */
  readonly clientAddress: string | null
  /** Who the front says the client is. */
  readonly identity: Identity
  /** What Lambda delivered: the event, or of a queue the one message. */
  readonly event: unknown
  readonly lambdaContext: LambdaContext
}

/** One HTTP request on its way through the function. */
export interface HttpInvocation extends Invocation {
  readonly event: HttpEvent
}

const current = new AsyncLocalStorage<Invocation>()

/**
 * The invocation that the calling code works for, however deep in asynchronous calls; null outside of any, such as
 * while modules load.
 */
export function getInvocation(): Invocation | null {
  return current.getStore() ?? null
}

/** Runs `fn` so that `getInvocation` finds `invocation` inside. */
export function within<T>(invocation: Invocation, fn: () => T): T {
  return current.run(invocation, fn)
}

/** An invocation whose `signal` is made when somebody asks for it. */
class Begun<E> implements Invocation {
  declare readonly requestId: string
  declare readonly deadline: number
  declare readonly coldStart: boolean
  declare readonly traceId: string | null
  declare readonly clientAddress: string | null
  declare readonly identity: Identity
  declare readonly event: E
  declare readonly lambdaContext: LambdaContext
  readonly #deadline: Deadline

  constructor(arrival: Arrival, deadline: Deadline, event: E, { address, identity }: Caller) {
    this.requestId = arrival.requestId
    this.deadline = deadline.at
    this.coldStart = arrival.coldStart
    this.traceId = arrival.traceId
    this.clientAddress = address
    this.identity = identity
    this.event = event
    this.lambdaContext = arrival.lambdaContext
    this.#deadline = deadline
  }

  // On the prototype: a getter of each object alone would give each a shape of its own, and slow all that reads them.
  get signal(): AbortSignal {
    return this.#deadline.signal
  }
}

/** The invocation for `event`, which `caller` sent. */
export function begin<E>(
  arrival: Arrival,
  deadline: Deadline,
  event: E,
  caller: Caller = unknown,
): Invocation & { readonly event: E } {
  return new Begun(arrival, deadline, event, caller)
}

const unknown: Caller = { address: null, identity: nobody }

/** What a handler knows of an event before it looks into it. */
export type Arrival = Pick<Invocation, 'requestId' | 'coldStart' | 'traceId' | 'lambdaContext'>

/**
 * Receives the events of one handler, and tells the first from the others.
 *
 * @throws InvalidContextError, the inner function, unless the context can name the request and its deadline.
 */
export function createReception(): (lambdaContext: LambdaContext) => Arrival {
  let coldStart = true
  return (lambdaContext) => {
    checkContext(lambdaContext)
    const arrival = {
      requestId: lambdaContext.awsRequestId,
      coldStart,
      traceId: traceIdOf(lambdaContext),
      lambdaContext,
    }
    coldStart = false
    return arrival
  }
}

/** In a process that serves many requests at once the variable is nobody's; there the context says it. */
function traceIdOf(lambdaContext: LambdaContext): string | null {
  const { xRayTraceId } = lambdaContext as { xRayTraceId?: unknown }
  const header = typeof xRayTraceId === 'string' ? xRayTraceId : process.env._X_AMZN_TRACE_ID
  const root = header?.split(';').find((field) => field.trim().toLowerCase().startsWith('root='))
  return root?.split('=')[1]?.trim() || null
}

/** Throws `InvalidContextError` unless `context` can name the request and its deadline. */
function checkContext(context: LambdaContext): void {
  if (typeof context?.awsRequestId !== 'string') throw new InvalidContextError('awsRequestId is missing.')
  if (typeof context.getRemainingTimeInMillis !== 'function') {
    throw new InvalidContextError('getRemainingTimeInMillis is missing.')
  }
}
