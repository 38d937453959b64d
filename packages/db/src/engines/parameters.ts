import type { SqlValue } from '@thaw/sqlite'
import { ParameterError } from '../errors.ts'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Parameters as SQLite binds them: booleans as 1 and 0, dates as ISO 8601 text in UTC.
 * @throws ParameterError for what SQLite would drop, round or refuse
 */
export function sqliteParameters(parameters: readonly unknown[], sql: string): SqlValue[] {
  return parameters.map((value, index) => {
    switch (typeof value) {
      case 'string':
        return value
      case 'number':
        if (Number.isNaN(value)) throw refuse(index, sql, 'NaN, which SQLite would store as NULL')
        return value
      case 'boolean':
        return value ? 1 : 0
      case 'bigint':
        if (value < MIN_INT64 || value > MAX_INT64)
          throw refuse(index, sql, `${value}, which does not fit into 64 bits`)
        return value
      default:
        if (value === null) return null
        if (value instanceof Uint8Array) return value
        if (value instanceof Date) return isoText(value, index, sql)
        throw refuse(
          index,
          sql,
          `${describe(value)}: give a string, number, boolean, bigint, Date, bytes or null`,
        )
    }
  })
}

/**
 * Parameters as PostgreSQL takes them, so that they mean what they mean on SQLite: booleans as `1` and `0`, which
 * integer and boolean columns both accept, dates as ISO 8601 text in UTC. Arrays and objects are left to `pg`.
 * @throws ParameterError
 */
export function postgresParameters(parameters: readonly unknown[], sql: string): unknown[] {
  return parameters.map((value, index) => {
    if (typeof value === 'boolean') return value ? '1' : '0'
    if (value instanceof Date) return isoText(value, index, sql)
    if (value === undefined || typeof value === 'function' || typeof value === 'symbol')
      throw refuse(index, sql, describe(value))
    return value
  })
}

function isoText(date: Date, index: number, sql: string): string {
  if (Number.isNaN(date.getTime())) throw refuse(index, sql, 'an invalid Date')
  return date.toISOString()
}

function refuse(index: number, sql: string, problem: string): ParameterError {
  const statement = sql.length > 200 ? `${sql.slice(0, 200)}…` : sql
  return new ParameterError(`parameter ${index + 1} of "${statement}" is ${problem}`)
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined (null stands for no value)'
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const name = value.constructor?.name
  return name === undefined || name === 'Object' ? 'a plain object' : `an object of class ${name}`
}
