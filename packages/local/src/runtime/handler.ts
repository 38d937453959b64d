import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { streamingOf } from './streaming.ts'

/** Of a streaming handler the second argument is the stream, the third the context. */
export type Handler = (...args: unknown[]) => unknown

/** Why a handler cannot be had, under the name that Lambda's Node runtime gives to it. */
export class HandlerError extends Error {
  override readonly name: string

  constructor(name: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = name
  }
}

const extensions = ['', '.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

/**
 * Imports the handler that `_HANDLER` names: `src/api.handler` is the export `handler` of `src/api.ts` (or
 * `.mjs`, `.js`, …) under `taskRoot`. Throws `HandlerError`, or what the module itself throws.
 */
export async function loadHandler(taskRoot: string, name: string): Promise<Handler> {
  const { file, path } = findHandler(taskRoot, name)
  const module = await importModule(file)
  const handler =
    path.split('.').reduce(property, module) ?? path.split('.').reduce(property, property(module, 'default'))
  if (typeof handler !== 'function') {
    throw new HandlerError(
      'Runtime.HandlerNotFound',
      `${name} is undefined or not exported: ${file} has no function '${path}'`,
    )
  }
  if (streamingOf(handler) === null && handler.length >= 3) {
    throw new HandlerError(
      'Runtime.CallbackHandlerDeprecated',
      `${name} takes a callback, which Node 24 on Lambda does not have; return a value or a promise`,
    )
  }
  return handler as Handler
}

function property(value: unknown, key: string): unknown {
  return value === null || value === undefined ? undefined : (value as Record<string, unknown>)[key]
}

/** A dot may belong to the file's name, so the longest name that is a file counts. */
export function findHandler(taskRoot: string, name: string): { file: string; path: string } {
  const folder = join(taskRoot, dirname(name))
  const base = basename(name)
  for (let dot = base.lastIndexOf('.'); dot > 0; dot = base.lastIndexOf('.', dot - 1)) {
    for (const extension of extensions) {
      const file = join(folder, base.slice(0, dot) + extension)
      if (isFile(file)) return { file, path: base.slice(dot + 1) }
    }
  }
  throw new HandlerError(
    'Runtime.ImportModuleError',
    `no file for the handler '${name}' in ${taskRoot}; it must be like 'src/api.handler'`,
  )
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

async function importModule(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new HandlerError('Runtime.UserCodeSyntaxError', `${error.name}: ${error.message}`, {
        cause: error,
      })
    }
    const code = property(error, 'code')
    if (error instanceof Error && (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')) {
      throw new HandlerError('Runtime.ImportModuleError', error.message, { cause: error })
    }
    throw error
  }
}
