import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { accountId } from '../account.ts'
import { payloadLimitBytes } from '../limits.ts'
import { type ApiHandler, accept, readBody, refuse, sendJson } from './api-server.ts'
import type { RuntimeInvocation } from './runtime-api.ts'

/** What an extension is told when it registers. */
export interface ExtensionFacts {
  readonly functionName: string
  readonly handler: string
}

export interface ExtensionListener {
  /** An extension asks for its next event. */
  onNext(): void
  /** It gave up; `errorType` is its own word for why. */
  onError(phase: 'init' | 'exit', errorType: string): void
}

/** The Extensions API of one environment. */
export interface ExtensionsApi {
  readonly answer: ApiHandler
  /** How many are registered. */
  readonly count: number
  /** Whether every one has asked for its next event and got none yet. */
  readonly asking: boolean
  /** From now on nobody may register: the initialisation is over. */
  closeRegistration(): void
  /** Tells those that want to know. They are not `asking` then, until they have asked again. */
  announce(invocation: RuntimeInvocation): void
}

interface Extension {
  readonly name: string
  readonly wantsInvoke: boolean
  waiting: ServerResponse | null
}

/** Lambda takes ten. */
const extensionLimit = 10

/**
 * The Lambda Extensions API, version 2020-01-01, for internal extensions: those that the function's own process
 * registers while it initialises. They cannot have SHUTDOWN events.
 *
 * Source: "Extensions API reference" of the Lambda developer guide; the types of errors are those that AWS's
 * runtime interface emulator gives.
 */
export function createExtensionsApi(facts: ExtensionFacts, listener: ExtensionListener): ExtensionsApi {
  const extensions = new Map<string, Extension>()
  let isOpen = true

  function register(request: IncomingMessage, response: ServerResponse, body: string | null): void {
    const name = request.headers['lambda-extension-name']
    const events = readEvents(body)
    const unknown = events?.find((event) => event !== 'INVOKE')
    const forbid = (type: string, message: string) => refuse(response, 403, type, message)
    if (typeof name !== 'string' || name === '') {
      forbid('Extension.InvalidExtensionName', 'Lambda-Extension-Name is missing')
    } else if (events === null) {
      forbid('InvalidRequestFormat', `the body must be JSON like {"events":["INVOKE"]}`)
    } else if (unknown !== undefined) {
      forbid('Extension.InvalidEventType', `an internal extension cannot have events of the type ${unknown}`)
    } else if (!isOpen) {
      forbid('Extension.RegistrationClosed', 'extensions register while the function initialises, not later')
    } else if ([...extensions.values()].some((extension) => extension.name === name)) {
      forbid('Extension.InvalidExtensionState', `an extension named ${name} is registered already`)
    } else if (extensions.size >= extensionLimit) {
      forbid('Extension.TooManyExtensions', `there are ${extensionLimit} extensions, which is the limit`)
    } else {
      const id = randomUUID()
      extensions.set(id, { name, wantsInvoke: events.includes('INVOKE'), waiting: null })
      const { functionName, handler } = facts
      const account = wantsAccount(request) ? { accountId } : {}
      const answer = JSON.stringify({ functionName, functionVersion: '$LATEST', handler, ...account })
      sendJson(response, 200, answer, { 'lambda-extension-identifier': id })
    }
  }

  function next(extension: Extension, response: ServerResponse): void {
    if (extension.waiting !== null) {
      const message = `${extension.name} waits for its next event already`
      refuse(response, 403, 'Extension.InvalidExtensionState', message)
      return
    }
    extension.waiting = response
    response.once('close', () => {
      if (extension.waiting === response) extension.waiting = null
    })
    listener.onNext()
  }

  function fail(phase: 'init' | 'exit', request: IncomingMessage, response: ServerResponse): void {
    const type = request.headers['lambda-extension-function-error-type']
    if (typeof type !== 'string') {
      const message = 'Lambda-Extension-Function-Error-Type is missing'
      refuse(response, 403, 'Extension.MissingHeader', message)
      return
    }
    accept(response)
    listener.onError(phase, type)
  }

  /** Who calls; null when that has been refused. */
  function identify(request: IncomingMessage, response: ServerResponse): Extension | null {
    const id = request.headers['lambda-extension-identifier']
    const extension = typeof id === 'string' ? extensions.get(id) : undefined
    if (extension !== undefined) return extension
    const type = id === undefined ? 'MissingExtensionIdentifier' : 'UnknownExtensionIdentifier'
    refuse(response, 403, `Extension.${type}`, `Lambda-Extension-Identifier is ${id ?? 'missing'}`)
    return null
  }

  async function answerCall(call: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, payloadLimitBytes)
    if (call === 'POST /register') {
      register(request, response, body)
      return
    }
    const extension = identify(request, response)
    if (extension === null) return
    if (call === 'GET /event/next') next(extension, response)
    else fail(call === 'POST /init/error' ? 'init' : 'exit', request, response)
  }

  return {
    get count() {
      return extensions.size
    },
    get asking() {
      for (const { waiting } of extensions.values()) if (waiting === null) return false
      return true
    },
    answer(request, response) {
      if (request.url?.startsWith(`${prefix}/`) !== true) return false
      const call = `${request.method} ${request.url.slice(prefix.length)}`
      if (!calls.has(call)) return false
      // Whoever died while it spoke needs no answer.
      answerCall(call, request, response).catch(() => response.destroy())
      return true
    },
    closeRegistration() {
      isOpen = false
    },
    announce({ requestId, deadlineMs, functionArn, traceId }) {
      for (const extension of extensions.values()) {
        if (!extension.wantsInvoke || extension.waiting === null) continue
        const event = {
          eventType: 'INVOKE',
          deadlineMs,
          requestId,
          invokedFunctionArn: functionArn,
          tracing: { type: 'X-Amzn-Trace-Id', value: traceId },
        }
        const response = extension.waiting
        extension.waiting = null
        sendJson(response, 200, JSON.stringify(event), { 'lambda-extension-event-identifier': randomUUID() })
      }
    },
  }
}

const prefix = '/2020-01-01/extension'

const calls: ReadonlySet<string> = new Set([
  'POST /register',
  'GET /event/next',
  'POST /init/error',
  'POST /exit/error',
])

/** The events asked for; null when the body is not what it must be. */
function readEvents(body: string | null): readonly string[] | null {
  try {
    const { events = [] } = JSON.parse(body ?? '') as { readonly events?: unknown }
    return Array.isArray(events) ? events.map(String) : null
  } catch {
    return null
  }
}

function wantsAccount(request: IncomingMessage): boolean {
  const features = request.headers['lambda-extension-accept-feature']
  return typeof features === 'string' && features.split(',').some((name) => name.trim() === 'accountId')
}
