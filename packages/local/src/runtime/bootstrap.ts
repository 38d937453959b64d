/**
 * The runtime of one environment: what `/var/runtime` is on Lambda. It runs in a process of its own, knows
 * nothing of the simulator but the Runtime API, and ends when that is gone.
 */
import { flushCompileCache } from 'node:module'
import { createRuntimeClient, type FunctionError, type NextInvocation, type RuntimeClient } from './client.ts'
import { type Handler, HandlerError, loadHandler } from './handler.ts'

/** The invocation under way. */
let current: string | null = null

/** The simulator's cache of compiled modules is in use already, and nothing that a function should see. */
const ownCompileCache = process.argv.includes('--own-compile-cache')
if (ownCompileCache) delete process.env.NODE_COMPILE_CACHE

await main()

async function main(): Promise<void> {
  const client = createRuntimeClient(required('AWS_LAMBDA_RUNTIME_API'))
  process.on('uncaughtException', (error) => void die(client, error, 'Uncaught Exception', 129))
  process.on(
    'unhandledRejection',
    (reason) => void die(client, unhandled(reason), 'Unhandled Rejection', 128),
  )
  process.on('beforeExit', () => void die(client, stuck(), 'Stuck', 1))

  let handler: Handler
  try {
    handler = await loadHandler(required('LAMBDA_TASK_ROOT'), required('_HANDLER'))
  } catch (error) {
    await client.failInit(describe(error)).catch(gone)
    return giveUp(error)
  }
  for (;;) {
    const next = client.next()
    // Environments end by SIGKILL, so this is the time to keep what was compiled, for those that start later.
    if (ownCompileCache) flushCompileCache()
    await run(client, handler, await next.catch(gone))
  }
}

async function run(client: RuntimeClient, handler: Handler, invocation: NextInvocation): Promise<void> {
  const requestId = header(invocation, 'lambda-runtime-aws-request-id')
  current = requestId
  process.env._X_AMZN_TRACE_ID = header(invocation, 'lambda-runtime-trace-id')
  let body: string
  try {
    body = serialize(await handler(JSON.parse(invocation.event), contextOf(invocation, requestId)))
  } catch (error) {
    console.error('Invoke Error', error)
    await flushOutput()
    current = null
    await client.fail(requestId, describe(error)).catch(gone)
    return
  }
  await flushOutput()
  current = null
  await client.respond(requestId, body).catch(gone)
}

/** The context object of Lambda's Node runtime. */
function contextOf(invocation: NextInvocation, requestId: string) {
  const deadlineMs = Number(header(invocation, 'lambda-runtime-deadline-ms'))
  return {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: header(invocation, 'lambda-runtime-invoked-function-arn'),
    awsRequestId: requestId,
    clientContext: undefined,
    identity: undefined,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
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

function describe(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] }
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] }
}

function unhandled(reason: unknown): Error {
  const error = new Error(reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason), {
    cause: reason,
  })
  error.name = 'Runtime.UnhandledPromiseRejection'
  return error
}

/** Nothing is left that could wake the process, yet the handler has not answered. */
function stuck(): Error {
  const error = new Error('the handler waits for a promise that nothing can settle any more')
  error.name = 'Runtime.NodeJsExit'
  return error
}

/** Reports an error that no handler caught, to whatever is under way, and ends the process. */
async function die(client: RuntimeClient, error: Error, title: string, exitCode: number): Promise<void> {
  console.error(title, error)
  await flushOutput()
  const requestId = current
  current = null
  if (requestId !== null) await client.fail(requestId, describe(error)).catch(gone)
  process.exit(exitCode)
}

/** Prints why the handler cannot be had, and ends the process. */
function giveUp(error: unknown): void {
  const syntaxError = error instanceof HandlerError && error.cause instanceof SyntaxError ? error.cause : null
  if (syntaxError === null) {
    // The message of a `HandlerError` says all, and the simulator prints it.
    if (!(error instanceof HandlerError)) console.error(error)
    process.exit(1)
  }
  // Only Node itself can tell the file and the line, and it does so for an error that nobody catches.
  process.removeAllListeners('uncaughtException')
  setImmediate(() => {
    throw syntaxError
  })
}

/** Without the Runtime API there is nobody left to work for. */
function gone(): never {
  process.exit(1)
}

function header(invocation: NextInvocation, name: string): string {
  const value = invocation.headers[name]
  return typeof value === 'string' ? value : ''
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: the bootstrap runs in an environment only`)
  return value
}
