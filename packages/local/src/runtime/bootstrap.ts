/**
 * The runtime of one environment: what `/var/runtime` is on Lambda. It runs in a process of its own, knows
 * nothing of the simulator but the Runtime API, and ends when that is gone.
 */
import { flushCompileCache } from 'node:module'
import {
  createRuntimeClient,
  type FunctionError,
  type NextInvocation,
  type RuntimeClient,
  type StreamedPost,
} from './client.ts'
import { installClock } from './clock.ts'
import { describe, stuck, unhandled } from './failure.ts'
import { type Handler, HandlerError, loadHandler } from './handler.ts'
import { contextOf } from './invocation.ts'
import { awslambda, createResponseStream, streamingOf } from './streaming.ts'

/** No part of Lambda's API: what has become of the clock, `{"offsetMs": …, "forMs": …}`. */
const clockHeader = 'thaw-clock'

/** How the invocation under way is told that it failed; null between invocations. */
let fail: ((error: FunctionError) => Promise<void>) | null = null

/** Called when nothing is left that could wake the process. */
let onStuck = () => {}

/** The simulator's cache of compiled modules is in use already, and nothing that a function should see. */
const ownCompileCache = process.argv.includes('--own-compile-cache')
if (ownCompileCache) delete process.env.NODE_COMPILE_CACHE

/** Only where the simulator means to put it wrong. */
const shiftClock = process.argv.includes('--clock') ? installClock() : null

await main()

async function main(): Promise<void> {
  const client = createRuntimeClient(required('AWS_LAMBDA_RUNTIME_API'))
  process.on('uncaughtException', (error) => void die(error, 'Uncaught Exception', 129))
  process.on('unhandledRejection', (reason) => void die(unhandled(reason), 'Unhandled Rejection', 128))
  process.on('beforeExit', () => onStuck())
  Object.assign(globalThis, { awslambda })

  const serve = await initialise(client)
  // What the function began while it was loaded, such as registering an extension, is on its way before this asks: the
  // runtime client of AWS has a connection to open first, this one has it already. Packages wait for it themselves.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  for (;;) {
    const next = client.next()
    // Environments end by SIGKILL, so this is the time to keep what was compiled, for those that start later.
    if (ownCompileCache) flushCompileCache()
    const invocation = await next.catch(gone)
    const { [clockHeader]: shift } = invocation.headers
    if (typeof shift === 'string') {
      const { offsetMs, forMs } = JSON.parse(shift)
      shiftClock?.(offsetMs, forMs)
    }
    await serve(invocation)
  }
}

/** Loads the handler; what comes back runs one invocation. */
async function initialise(client: RuntimeClient): Promise<(next: NextInvocation) => Promise<void>> {
  const initError = (error: FunctionError) => client.failInit(error).catch(gone)
  fail = initError
  onStuck = () => void die(stuck(), 'Stuck', 1)
  try {
    const handler = await loadHandler(required('LAMBDA_TASK_ROOT'), required('_HANDLER'))
    fail = null
    const streaming = streamingOf(handler)
    if (streaming === null) return (next) => run(client, handler, next)
    return (next) => runStreaming(client, handler, streaming.highWaterMark, next)
  } catch (error) {
    fail = null
    await initError(describe(error))
    return giveUp(error)
  }
}

async function run(client: RuntimeClient, handler: Handler, next: NextInvocation): Promise<void> {
  const context = contextOf(next)
  const requestId = context.awsRequestId
  fail = (error) => client.fail(requestId, error).catch(gone)
  let body: string
  try {
    body = serialize(await orStuck(() => handler(JSON.parse(next.event), context)))
  } catch (error) {
    await failWith(error, 'Invoke Error')
    return
  }
  await flushOutput()
  fail = null
  // Nothing depends on its being taken: `next` goes out with it, and the process wakes up once for each invocation.
  client.respond(requestId, body).catch(gone)
}

/** The answer is over when the handler is done and has ended the stream; before it ends the stream it is not. */
async function runStreaming(
  client: RuntimeClient,
  handler: Handler,
  highWaterMark: number | undefined,
  next: NextInvocation,
): Promise<void> {
  const context = contextOf(next)
  const post: StreamedPost = client.stream(context.awsRequestId)
  const taken = post.taken.catch(gone)
  const stream = createResponseStream(post.request, highWaterMark)
  fail = async (error) => {
    // An answer that is whole cannot fail any more.
    if (!post.request.writableEnded) post.breakOff(error)
    if (stream.destroyed) post.request.end()
    else stream.end()
    await taken
  }
  try {
    const event = JSON.parse(next.event)
    const result = handler(event, stream, context)
    if (!isPromise(result)) throw new Error('a streaming handler must return a promise')
    if ((await orStuck(() => result)) !== undefined) {
      console.warn('what a streaming handler returns is not sent: write it to the stream')
    }
    if (stream.destroyed && !stream.writableFinished) throw new Error('the response stream was destroyed')
    await orStuck(() => taken)
    await flushOutput()
    fail = null
  } catch (error) {
    await failWith(error, 'Invoke Error')
  }
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

/** Rejects when nothing is left that could settle what `work` waits for. */
async function orStuck<T>(work: () => T | PromiseLike<T>): Promise<T> {
  const end = Promise.withResolvers<never>()
  onStuck = () => end.reject(stuck())
  try {
    return await Promise.race([work(), end.promise])
  } finally {
    onStuck = () => {}
  }
}

/** On Lambda what was printed is out at once; here much of it may wait in a pipe that is full. */
async function flushOutput(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve))
  }
}

function serialize(result: unknown): string {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null'
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Unable to stringify response body: ${reason}`, { cause: error })
  }
}

/** Prints an error and reports it to whatever is under way. */
async function failWith(error: unknown, title: string): Promise<void> {
  const report = fail
  fail = null
  console.error(title, error)
  await flushOutput()
  await report?.(describe(error))
}

/** For an error that no handler caught: ends the process. */
async function die(error: Error, title: string, exitCode: number): Promise<void> {
  await failWith(error, title)
  process.exit(exitCode)
}

/** Prints why the handler cannot be had, and ends the process. */
function giveUp(error: unknown): Promise<never> {
  const syntaxError = error instanceof HandlerError && error.cause instanceof SyntaxError ? error.cause : null
  if (syntaxError === null) {
    // The message of a `HandlerError` says all, and the simulator prints it.
    if (!(error instanceof HandlerError)) console.error(error)
    process.exit(1)
  }
  // Where in Node it was found helps nobody. One in TypeScript begins with the file, the line and the code.
  const [place = null] = /^\S+:\d+\n[\s\S]*?\n\n/.exec(syntaxError.stack ?? '') ?? []
  syntaxError.stack = `${syntaxError.name}: ${syntaxError.message}`
  if (place !== null) {
    console.error(place + syntaxError.stack)
    process.exit(1)
  }
  // Of another only Node itself can tell these, and it does so for an error that nobody catches.
  process.removeAllListeners('uncaughtException')
  setImmediate(() => {
    throw syntaxError
  })
  return new Promise(() => {})
}

/** Without the Runtime API there is nobody left to work for. */
function gone(): never {
  // Not `exit`, which keeps compiled modules: Node looks for a folder that is gone with the simulator for ever.
  process.kill(process.pid, 'SIGKILL')
  process.exit(1)
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: the bootstrap runs in an environment only`)
  return value
}
