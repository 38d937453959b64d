import { createHash } from 'node:crypto'
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Operation } from '../../packages/sqlite/sim/history.ts'

/** What one life of a process is told. */
export interface LifeOptions {
  readonly name: string
  readonly url: string
  readonly env: Readonly<Record<string, string>>
  /** Where its copy goes. */
  readonly directory: string
  /** Where it logs its operations. */
  readonly log: string
  readonly seed: string
  /** Epoch, ms. */
  readonly until: number
  readonly clients: number
  /** Further options of `openSqlite` that survive JSON. */
  readonly open: Readonly<Record<string, unknown>>
}

/** Shortens a state, which may be long, to what tells it from others. */
export function shorten(look: string): string {
  return look === '' ? look : createHash('sha1').update(look).digest('base64')
}

/**
 * The log of a process, which survives it: a line when an operation begins, and another one when it has ended, each
 * handed to the system before it goes on.
 */
export function operationLog(path: string): {
  push(operation: Operation): number
  ended(operation: Operation): void
} {
  const fd = openSync(path, 'a')
  process.once('exit', () => closeSync(fd))
  const numbers = new Map<Operation, number>()
  const write = (operation: Operation) =>
    writeSync(fd, `${JSON.stringify({ number: numbers.get(operation), operation: short(operation) })}\n`)
  return {
    push(operation) {
      numbers.set(operation, numbers.size)
      return write(operation)
    },
    ended(operation) {
      write(operation)
    },
  }
}

function short(operation: Operation): Operation {
  const { saw } = operation
  if (saw?.form !== 'brief' && saw?.form !== 'full') return operation
  return { ...operation, saw: { form: saw.form, value: shorten(saw.value) } }
}

/** Tells of something that must not be. */
export function logFailure(path: string, error: unknown): void {
  appendFileSync(
    path,
    `${JSON.stringify({ failure: error instanceof Error ? error.stack : String(error) })}\n`,
  )
}

/** All operations of all lives, and whatever went wrong in them. */
export function readLogs(directory: string): { operations: Operation[]; failures: string[] } {
  const operations: Operation[] = []
  const failures: string[] = []
  for (const name of readdirSync(directory)) {
    const own = new Map<number, Operation>()
    for (const line of readFileSync(join(directory, name), 'utf8').split('\n')) {
      if (line === '') continue
      const told = JSON.parse(line) as { number: number; operation: Operation } | { failure: string }
      if ('failure' in told) failures.push(`${name}: ${told.failure}`)
      else own.set(told.number, told.operation)
    }
    for (const operation of own.values()) {
      operation.responded ??= Number.POSITIVE_INFINITY // which JSON has no word for
      operation.respondedAt ??= Number.POSITIVE_INFINITY
      operations.push(operation)
    }
  }
  return { operations, failures }
}
