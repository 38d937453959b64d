import { Headers } from './headers.ts'
import { fetch } from './outgoing.ts'
import { Request } from './request.ts'
import { Response } from './response.ts'

/**
 * Puts the stand-ins in place of the runtime's `Headers`, `Request` and `Response`, and of its `fetch` one that takes
 * them. Only by assignment: to look at one of these globals, even by `typeof`, is to load them all.
 */
export function install(): void {
  if (process.env.THAW_FETCH === 'native' || marks[installed]) return
  marks[installed] = true
  Object.assign(globalThis, { Headers, Request, Response, fetch })
}

/** Set in a process that has stand-ins, of another copy of this module perhaps. */
const installed = Symbol.for('thaw.fetch')
const marks = globalThis as unknown as Record<symbol, boolean>

install()
