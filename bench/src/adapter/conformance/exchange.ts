import type { SentRequest } from '../../../../packages/lambda/test/events.ts'
import type { FrontName } from './fronts.ts'

/** What an application was given. */
export interface Received {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Names in lower case, repeated ones joined. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

/** What an application answers. */
export interface Scripted {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly cookies: readonly string[]
  readonly body: Uint8Array<ArrayBuffer>
}

/** What a client gets. */
export interface Delivered {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly cookies: readonly string[]
  readonly body: Uint8Array
}

/** A request and the answer to it, as both ends of an HTTP connection know them. */
export interface Case {
  readonly name: string
  readonly sent: SentRequest
  readonly answer: Scripted
  /** Whether the request is what is looked at, or the answer. */
  readonly looksAt: 'request' | 'answer'
  /** Nothing that a front without lists of values could say. */
  readonly needsLists: boolean
  /** Nothing that a front which decodes the path could say. */
  readonly needsRawPath: boolean
  /** For a variety of one front's events only: what is laid over the event. */
  readonly variety: Variety | null
}

export interface Variety {
  readonly front: FrontName
  readonly changes: Readonly<Record<string, unknown>>
}
