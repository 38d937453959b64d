import { isPlainObject, type Report, readObject } from '../checks.ts'
import type { AppFunction, HttpFunction, QueueFunction, Route, SocketFunction } from '../model.ts'
import { queueUrlVariable } from '../queue-url.ts'
import { routeShape } from '../route.ts'
import { show } from '../units.ts'
import { type BaseReader, readBase } from './base.ts'
import { readHttp } from './http.ts'
import { readQueue } from './queue.ts'
import { readSchedule } from './schedule.ts'
import { readSocket } from './socket.ts'

type Declaration = Readonly<Record<string, unknown>>

const readers: Readonly<
  Record<string, (report: Report, at: string, source: Declaration, base: BaseReader) => AppFunction>
> = { http: readHttp, queue: readQueue, schedule: readSchedule, socket: readSocket }

/** Reads the functions of an application, and reports what is wrong with each and with all of them together. */
export function readFunctions(
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
  reportSharedRoutes(
    report,
    known.filter((fn) => fn.kind === 'http'),
  )
  reportSharedSocketRoutes(
    report,
    known.filter((fn) => fn.kind === 'socket'),
  )
  const queues = known.filter((fn) => fn.kind === 'queue')
  reportSharedQueueVariables(report, queues)
  reportTakenQueueVariables(report, queues, known)
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
  const read =
    isPlainObject(value) && typeof value.kind === 'string' && Object.hasOwn(readers, value.kind)
      ? readers[value.kind]
      : undefined
  if (read === undefined || !isPlainObject(value)) {
    report.add(
      at,
      `must be http, queue, schedule or socket, as in http('./src/file.ts', { … }), not ${show(value)}`,
    )
    return null
  }
  return read(report, at, value, (bounds) => readBase(report, { at, name, source: value, shared, ...bounds }))
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

function reportSharedRoutes(report: Report, functions: readonly HttpFunction[]): void {
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

function reportSharedSocketRoutes(report: Report, functions: readonly SocketFunction[]): void {
  const owners = new Map<string, string>()
  for (const { name, routes } of functions) {
    for (const key of routes) {
      const owner = owners.get(key)
      if (owner === undefined) owners.set(key, name)
      else {
        report.add(
          `functions.${name}.route`,
          owner === name
            ? `names '${key}' twice; drop one`
            : `'${key}' belongs to '${owner}' already; messages of a route can go to one function only`,
        )
      }
    }
  }
}

/** Every function finds the queue there, so that the application's own value would be lost. */
function reportTakenQueueVariables(
  report: Report,
  queues: readonly QueueFunction[],
  functions: readonly AppFunction[],
): void {
  for (const queue of queues) {
    const variable = queueUrlVariable(queue.name)
    for (const { name, environment } of functions) {
      if (!Object.hasOwn(environment, variable)) continue
      report.add(
        `functions.${name}.environment.${variable}`,
        `is where Thaw puts the address of the queue of '${queue.name}'; choose another name`,
      )
    }
  }
}

function reportSharedQueueVariables(report: Report, functions: readonly QueueFunction[]): void {
  const owners = new Map<string, string>()
  for (const { name } of functions) {
    const variable = queueUrlVariable(name)
    const owner = owners.get(variable)
    if (owner === undefined) owners.set(variable, name)
    else report.add(`functions.${name}`, `and '${owner}' would both be found by ${variable}; rename one`)
  }
}
