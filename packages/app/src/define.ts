import { createReport, isPlainObject, type Report, readObject, readPath } from './checks.ts'
import type { AppDefinition } from './declare.ts'
import { readDurability } from './durability.ts'
import { readEnvironment } from './environment.ts'
import { ConfigError } from './errors.ts'
import { readFunctions } from './functions/functions.ts'
import { MAINTENANCE_NAME, readMaintenance } from './maintenance.ts'
import type { App, AppFunction, DatabaseDefinition } from './model.ts'
import { show } from './units.ts'

/** Marks what `defineApp` made, also across two copies of this package. */
const brand = Symbol.for('@thaw/app')

/**
 * Checks a definition and gives the complete, frozen application. Throws `ConfigError` (`CONFIG_INVALID`) that
 * holds every problem.
 */
export function defineApp(definition: AppDefinition): App {
  const report = createReport()
  const app = readApp(report, definition)
  if (report.problems.length > 0) throw new ConfigError('CONFIG_INVALID', report.problems)
  Object.defineProperty(app, brand, { value: true })
  return deepFreeze(app)
}

/** Whether `defineApp` made it. */
export function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && brand in value
}

function readApp(report: Report, input: unknown): App {
  const source = readObject(report, '', input, ['name', 'database', 'functions', 'environment'])
  if (source === null) return { name: '', environment: {}, functions: [] }
  const name = readName(report, source.name)
  const database = readDatabase(report, source.database)
  const environment = readEnvironment(report, 'environment', source.environment)
  const functions = readFunctions(report, source.functions, environment)
  if (database?.maintenance) reportMaintenanceName(report, functions)
  return { name, ...(database === null ? {} : { database }), environment, functions }
}

function readName(report: Report, value: unknown): string {
  if (typeof value === 'string' && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(value) && value.length <= 32)
    return value
  const rule = `lower-case letters, digits and single '-', a letter first, at most 32 characters`
  report.add('name', `${show(value)} cannot name an application: ${rule}`)
  return ''
}

function readDatabase(report: Report, value: unknown): DatabaseDefinition | null {
  if (value === undefined) return null
  if (!isPlainObject(value) || value.kind !== 'sqlite') {
    report.add('database', `must be sqlite({ … }), not ${show(value)}`)
    return null
  }
  const known = ['migrations', 'seed', 'durability', 'writes', 'interval', 'maintenance']
  const options = readObject(report, 'database', value.options, known) ?? {}
  const folder = (key: string) =>
    options[key] === undefined ? null : readPath(report, `database.${key}`, options[key], 'a folder')
  const migrations = folder('migrations')
  const seed = folder('seed')
  return {
    kind: 'sqlite',
    ...(migrations === null ? {} : { migrations }),
    ...(seed === null ? {} : { seed }),
    ...readDurability(report, options),
    ...readMaintenance(report, options.maintenance),
  }
}

/** The function that looks after the database is deployed beside those of the application, under such a name. */
function reportMaintenanceName(report: Report, functions: readonly AppFunction[]): void {
  for (const { name } of functions) {
    if (name.toLowerCase() !== MAINTENANCE_NAME) continue
    const taken = 'is the name of the function that looks after the database'
    report.add(`functions.${name}`, `${taken}; rename yours, or say sqlite({ maintenance: false })`)
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null && !Object.isFrozen(child)) deepFreeze(child)
  }
  return Object.freeze(value)
}
