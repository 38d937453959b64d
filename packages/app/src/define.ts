import { createReport, isPlainObject, type Report, readInteger, readObject, readPath } from './checks.ts'
import type { AppDefinition } from './declare.ts'
import { readDurability } from './durability.ts'
import { readEnvironment } from './environment.ts'
import { ConfigError } from './errors.ts'
import { MAINTENANCE_NAME, readMaintenance } from './maintenance.ts'
import type { App, AppFunction, DatabaseDefinition, Route } from './model.ts'
import { defaultRoute, readRoute, routeShape } from './route.ts'
import { parseSeconds, show } from './units.ts'

const defaults = { memoryMb: 1024, timeoutSeconds: 30 }

/** An HTTP API gives up on a function after 30 s ("Maximum integration timeout" of its quotas). */
const httpTimeoutSeconds = 30

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

function readFunctions(
  report: Report,
  value: unknown,
  shared: Readonly<Record<string, string>>,
): readonly AppFunction[] {
  const source = readObject(report, 'functions', value, 'any')
  if (source === null) return []
  const names = Object.keys(source).sort()
  if (names.length === 0) report.add('functions', `is empty; add one: { api: http('./src/api.ts') }`)
  reportAlikeNames(report, names)
  const functions = names.map((name) => readFunction(report, name, source[name], shared))
  const known = functions.filter((fn) => fn !== null)
  reportSharedRoutes(report, known)
  return known
}

function readFunction(
  report: Report,
  name: string,
  value: unknown,
  shared: Readonly<Record<string, string>>,
): AppFunction | null {
  const at = `functions.${name}`
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name)) {
    report.add(
      at,
      `cannot name a function: letters, digits, '-' and '_', a letter first, at most 32 characters`,
    )
  }
  if (!isPlainObject(value) || value.kind !== 'http') {
    report.add(at, `must be http('./src/file.ts', { … }), not ${show(value)}`)
    return null
  }
  const entry = readPath(report, `${at}.entry`, value.entry, 'a source file')
  if (entry !== null && !/\.[cm]?[jt]s$/.test(entry)) {
    report.add(
      `${at}.entry`,
      `'${entry}' is no source file; it must end in .ts, .mts, .cts, .js, .mjs or .cjs`,
    )
  }
  const options =
    readObject(report, at, value.options, ['route', 'memory', 'timeout', 'concurrency', 'environment']) ?? {}
  return {
    kind: 'http',
    name,
    entry: entry ?? '',
    handler: 'handler',
    memoryMb: readMemory(report, `${at}.memory`, options.memory),
    timeoutSeconds: readTimeout(report, `${at}.timeout`, options.timeout),
    ...readConcurrency(report, `${at}.concurrency`, options.concurrency),
    routes: readRoutes(report, `${at}.route`, options.route),
    environment: { ...shared, ...readEnvironment(report, `${at}.environment`, options.environment) },
  }
}

function readMemory(report: Report, at: string, value: unknown): number {
  if (value === undefined) return defaults.memoryMb
  return readInteger(report, at, value, { min: 128, max: 10_240, unit: 'MB' }) ?? defaults.memoryMb
}

function readTimeout(report: Report, at: string, value: unknown): number {
  if (value === undefined) return defaults.timeoutSeconds
  const parsed = parseSeconds(value)
  if ('problem' in parsed) report.add(at, parsed.problem)
  else if (parsed.value < 1 || parsed.value > 900) {
    report.add(at, `${show(value)} is not possible; a function runs from 1 second to 900 (15 minutes)`)
  } else if (parsed.value > httpTimeoutSeconds) {
    const reason = `an HTTP API answers 503 after ${httpTimeoutSeconds} s while the function runs on and is billed`
    report.add(at, `${show(value)} is too long: ${reason}; give '${httpTimeoutSeconds}s' or less`)
  } else return parsed.value
  return defaults.timeoutSeconds
}

function readConcurrency(report: Report, at: string, value: unknown): Pick<AppFunction, 'concurrency'> {
  if (value === undefined) return {}
  const concurrency = readInteger(report, at, value, { min: 1, max: 10_000, unit: 'requests' })
  return concurrency === null ? {} : { concurrency }
}

function readRoutes(report: Report, at: string, value: unknown): readonly Route[] {
  if (value === undefined) return [defaultRoute]
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (texts.length === 0) report.add(at, `is an empty list; leave it out to take what no other route takes`)
  const routes: Route[] = []
  for (const [index, text] of texts.entries()) {
    const parsed = readRoute(text)
    if ('problem' in parsed) report.add(Array.isArray(value) ? `${at}[${index}]` : at, parsed.problem)
    else routes.push(parsed.value)
  }
  return routes
}

/** `api` and `API` would be one file on some machines, and one name in many heads. */
function reportAlikeNames(report: Report, names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined)
      report.add(`functions.${name}`, `differs from '${other}' only in case; rename one`)
    else seen.set(name.toLowerCase(), name)
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

function reportSharedRoutes(report: Report, functions: readonly AppFunction[]): void {
  const owners = new Map<string, string>()
  for (const fn of functions) {
    for (const route of fn.routes) {
      const owner = owners.get(routeShape(route))
      if (owner === undefined) owners.set(routeShape(route), fn.name)
      else report.add(`functions.${fn.name}.route`, sharedRouteProblem(route, owner, fn.name))
    }
  }
}

function sharedRouteProblem(route: Route, owner: string, name: string): string {
  if (owner === name)
    return `'${route.key}' takes the same requests as another route of this function; drop one`
  if (route.path !== null) {
    return `'${route.key}' takes the same requests as a route of '${owner}'; a request can go to one function only`
  }
  return `'${owner}' has no route either, and only one function can take what is left; give one of them a route`
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null && !Object.isFrozen(child)) deepFreeze(child)
  }
  return Object.freeze(value)
}
