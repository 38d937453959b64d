import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { accountId } from '../../account.ts'
import { payloadLimitBytes } from '../../limits.ts'
import { type ApiHandler, accept, readBody, refuse, sendJson } from '../api-server.ts'
import type { RuntimeInvocation } from '../runtime-api.ts'

/** What an extension is told when it registers. */
export interface ExtensionFacts {
  readonly functionName: string
  readonly handler: string
  /** Names of the processes that were started for extensions; they register under these. */
  readonly external: readonly string[]
}

export interface ExtensionListener {
  /** All external extensions are registered; told at most once, and not where there are none. */
  onRegistered(): void
  /** An extension asks for its next event. */
  onNext(): void
  /** It gave up; `errorType` is its own word for why. */
  onError(phase: 'init' | 'exit', name: string, errorType: string): void
}

/** Why an environment ends, as external extensions are told. */
export type ShutdownReason = 'spindown' | 'timeout' | 'failure'

/** The Extensions API of one environment. */
export interface ExtensionsApi {
  readonly answer: ApiHandler
  /** How many internal extensions there are. */
  readonly internal: number
  /** External extensions that have not registered. */
  readonly unregistered: readonly string[]
  /** Whether every one has asked for its next event and got none yet. */
  readonly asking: boolean
  /** From now on nobody may register: the initialisation is over. */
  closeRegistration(): void
  /** Tells those that want to know. They are not `asking` then, until they have asked again. */
  announce(invocation: RuntimeInvocation): void
  /** Tells those that want to know, now or as soon as they ask: gives their names. `deadlineMs` is since the epoch. */
  announceShutdown(reason: ShutdownReason, deadlineMs: number): readonly string[]
}

interface Extension {
  readonly name: string
  readonly isExternal: boolean
  readonly events: readonly string[]
  waiting: ServerResponse | null
}

/** Lambda takes ten. */
export const extensionLimit = 10

const externalEvents: readonly string[] = ['INVOKE', 'SHUTDOWN']
const internalEvents: readonly string[] = ['INVOKE']

/**
 * The Lambda Extensions API, version 2020-01-01. External extensions are processes of their own, and known by name
 * before they register. All others are internal: the function's own process registers them while it initialises, and
 * they cannot have SHUTDOWN events.
 *
 * Source: "Extensions API reference" of the Lambda developer guide; the types of errors are those that AWS's
 * runtime interface emulator gives.
 */
export function createExtensionsApi(facts: ExtensionFacts, listener: ExtensionListener): ExtensionsApi {
  const extensions = new Map<string, Extension>()
  const unregistered = new Set(facts.external)
  let isOpen = true
  let shutdown: string | null = null

  function register(request: IncomingMessage, response: ServerResponse, body: string | null): void {
    const name = request.headers['lambda-extension-name']
    const events = readEvents(body)
    const isExternal = typeof name === 'string' && facts.external.includes(name)
    const known = isExternal ? externalEvents : internalEvents
    const unknown = events?.find((event) => !known.includes(event))
    const forbid = (type: string, message: string) => refuse(response, 403, type, message)
    if (typeof name !== 'string' || name === '') {
      forbid('Extension.InvalidExtensionName', 'Lambda-Extension-Name is missing')
    } else if (events === null) {
      forbid('InvalidRequestFormat', `the body must be JSON like {"events":["INVOKE"]}`)
    } else if (unknown !== undefined) {
      const kind = isExternal ? 'external' : 'internal'
      forbid('Extension.InvalidEventType', `an ${kind} extension cannot have events of the type ${unknown}`)
    } else if (!isOpen) {
      forbid('Extension.RegistrationClosed', 'extensions register while the function initialises, not later')
    } else if ([...extensions.values()].some((extension) => extension.name === name)) {
      forbid('Extension.InvalidExtensionState', `an extension named ${name} is registered already`)
    } else if (!isExternal && extensions.size + unregistered.size >= extensionLimit) {
      forbid('Extension.TooManyExtensions', `there are ${extensionLimit} extensions, which is the limit`)
    } else {
      const id = randomUUID()
      extensions.set(id, { name, isExternal, events, waiting: null })
      const { functionName, handler } = facts
      const account = wantsAccount(request) ? { accountId } : {}
      const answer = JSON.stringify({ functionName, functionVersion: '$LATEST', handler, ...account })
      sendJson(response, 200, answer, { 'lambda-extension-identifier': id })
      if (unregistered.delete(name) && unregistered.size === 0) listener.onRegistered()
    }
  }

  function next(extension: Extension, response: ServerResponse): void {
    if (extension.waiting !== null) {
      const message = `${extension.name} waits for its next event already`
      refuse(response, 403, 'Extension.InvalidExtensionState', message)
      return
    }
    if (shutdown !== null && extension.events.includes('SHUTDOWN')) {
      sendEvent(response, shutdown)
      return
    }
    extension.waiting = response
    response.once('close', () => {
      if (extension.waiting === response) extension.waiting = null
    })
    listener.onNext()
  }

  function fail(
    phase: 'init' | 'exit',
    extension: Extension,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const type = request.headers['lambda-extension-function-error-type']
    if (typeof type !== 'string') {
      const message = 'Lambda-Extension-Function-Error-Type is missing'
      refuse(response, 403, 'Extension.MissingHeader', message)
      return
    }
    accept(response)
    listener.onError(phase, extension.name, type)
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
    else fail(call === 'POST /init/error' ? 'init' : 'exit', extension, request, response)
  }

  /** To all that have asked and that want events of this type. */
  function tell(type: string, event: string): void {
    for (const extension of extensions.values()) {
      if (!extension.events.includes(type) || extension.waiting === null) continue
      const response = extension.waiting
      extension.waiting = null
      sendEvent(response, event)
    }
  }

  return {
    get internal() {
      return [...extensions.values()].filter(({ isExternal }) => !isExternal).length
    },
    get unregistered() {
      return [...unregistered]
    },
    get asking() {
      for (const { waiting } of extensions.values()) if (waiting === null) return false
      return unregistered.size === 0
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
      if (extensions.size === 0) return
      const tracing = { type: 'X-Amzn-Trace-Id', value: traceId }
      const event = { eventType: 'INVOKE', deadlineMs, requestId, invokedFunctionArn: functionArn, tracing }
      tell('INVOKE', JSON.stringify(event))
    },
    announceShutdown(shutdownReason, deadlineMs) {
      shutdown = JSON.stringify({ eventType: 'SHUTDOWN', shutdownReason, deadlineMs })
      tell('SHUTDOWN', shutdown)
      const wanting = [...extensions.values()].filter(({ events }) => events.includes('SHUTDOWN'))
      return wanting.map(({ name }) => name)
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

function sendEvent(response: ServerResponse, event: string): void {
  sendJson(response, 200, event, { 'lambda-extension-event-identifier': randomUUID() })
}

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
