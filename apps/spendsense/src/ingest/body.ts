import { type Problem, RequestError } from '../errors.ts'
import type { Schema } from '../schema.ts'
import { TABLES, type Table, type TableName, tables } from './tables.ts'

/** Rows of one request, each with every column of its table. */
export type Rows = { [T in TableName]: Schema[T][] }

export const MAX_ROWS = 10_000

/**
 * Reads the body of an ingest request: `{ users?, accounts?, transactions?, liabilities?, sign? }`. With
 * `sign: 'plaid'` the amounts of transactions count money out as positive, and are turned round.
 *
 * Throws `RequestError` with every problem found: `BODY_NOT_JSON`, `TOO_MANY_ROWS`, `INVALID_BODY`.
 */
export function readBody(bytes: Uint8Array): Rows {
  const body = parse(bytes)
  if (!isObject(body)) throw new RequestError('INVALID_BODY', 'The body must be an object of lists of rows.')
  checkSize(body)

  const problems: Problem[] = []
  const known = new Set<string>([...TABLES, 'sign'])
  for (const name of Object.keys(body)) {
    if (!known.has(name)) problems.push(problem([name], `unknown; the body has ${[...known].join(', ')}`))
  }
  const { sign } = body
  if (sign !== undefined && sign !== 'plaid') problems.push(problem(['sign'], 'must be "plaid" or left out'))

  const rows: Rows = {
    users: readRows('users', body.users, problems),
    accounts: readRows('accounts', body.accounts, problems),
    transactions: readRows('transactions', body.transactions, problems),
    liabilities: readRows('liabilities', body.liabilities, problems),
  }
  if (problems.length > 0)
    throw new RequestError('INVALID_BODY', `Nothing was stored. ${first(problems)}`, problems)
  if (sign === 'plaid')
    for (const transaction of rows.transactions) transaction.amount = 0 - transaction.amount
  return rows
}

/** A problem with the value at a path of names and indexes. */
export function problem(path: readonly (string | number)[], detail: string): Problem {
  const pointer = path.map((step) => `/${pointerStep(String(step))}`).join('')
  return { pointer: `#${pointer}`, detail }
}

/** For the sentence that stands before the list. */
export function first(problems: readonly Problem[]): string {
  const [{ pointer, detail } = { pointer: '#', detail: '' }] = problems
  return problems.length === 1
    ? `${pointer} ${detail}.`
    : `${problems.length} problems, the first: ${pointer} ${detail}.`
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RequestError('BODY_NOT_JSON', `The body must be JSON in UTF-8: ${reason}`, [], { cause })
  }
}

function checkSize(body: Record<string, unknown>): void {
  let count = 0
  for (const name of TABLES) {
    const list = body[name]
    if (Array.isArray(list)) count += list.length
  }
  if (count > MAX_ROWS) {
    throw new RequestError('TOO_MANY_ROWS', `${count} rows; send at most ${MAX_ROWS} in one request.`)
  }
}

function readRows<T extends TableName>(name: T, list: unknown, problems: Problem[]): Schema[T][] {
  if (list === undefined) return []
  if (!Array.isArray(list)) {
    problems.push(problem([name], 'must be a list of rows'))
    return []
  }
  const table: Table<Schema[T]> = tables[name]
  const rows = list.map((value, index) => readRow(table, value, [name, index], problems))
  const seen = new Set<unknown>()
  for (const [index, row] of rows.entries()) {
    const key = row[table.key]
    if (key !== undefined && seen.has(key)) {
      problems.push(problem([name, index, table.key], `${JSON.stringify(key)} is in this request already`))
    }
    seen.add(key)
  }
  return rows
}

/** Reports what is wrong; the row is whole only where nothing was. */
function readRow<Row>(
  table: Table<Row>,
  value: unknown,
  path: (string | number)[],
  problems: Problem[],
): Row {
  const row: Partial<Row> = {}
  if (!isObject(value)) {
    problems.push(problem(path, 'must be an object'))
    return row as Row
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(table.fields, name)) problems.push(problem([...path, name], 'unknown'))
  }
  for (const name of Object.keys(table.fields) as (keyof Row & string)[]) {
    const field = table.fields[name]
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    if (given === undefined ? field.optional : field.accepts(given)) row[name] = field.toColumn(given)
    else
      problems.push(
        problem([...path, name], given === undefined ? 'is missing' : `must be ${field.expected}`),
      )
  }
  return row as Row
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 6901 in a URI fragment. Names come from the body: they may be of any length, and no Unicode. */
function pointerStep(step: string): string {
  const escaped = step.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')
  return encodeURI(escaped.toWellFormed())
}
