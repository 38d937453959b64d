import { AsyncLocalStorage } from 'node:async_hooks'
import { InvalidContextError } from './errors.ts'
import type { HttpEvent } from './fronts/exchange.ts'
import type { Identity } from './identity.ts'

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
  /** True for the first event of this process. */
  readonly coldStart: boolean
  /** Address of the client as the front saw it; null when the event does not say. */
  readonly clientAddress: string | null
  /** Who the front says the client is. */
  readonly identity: Identity
  /** The event as Lambda delivered it. */
  readonly event: HttpEvent
  readonly lambdaContext: LambdaContext
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

/** Throws `InvalidContextError` unless `context` can name the request and its deadline. */
export function checkContext(context: LambdaContext): void {
  if (typeof context?.awsRequestId !== 'string') throw new InvalidContextError('awsRequestId is missing.')
  if (typeof context.getRemainingTimeInMillis !== 'function') {
    throw new InvalidContextError('getRemainingTimeInMillis is missing.')
  }
}
