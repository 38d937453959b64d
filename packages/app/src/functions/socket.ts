import type { Report } from '../checks.ts'
import type { SocketFunction } from '../model.ts'
import { show } from '../units.ts'
import type { BaseReader } from './base.ts'

const defaultRoutes = ['$connect', '$disconnect', '$default']

/** A WebSocket API waits no longer ("Integration timeout" of its quotas). */
const timeout = { seconds: 29, because: 'a WebSocket API gives up after 29 s' }

export function readSocket(
  report: Report,
  at: string,
  _source: Readonly<Record<string, unknown>>,
  readBase: BaseReader,
): SocketFunction {
  const { options, ...base } = readBase({ options: ['route'], timeout })
  return { kind: 'socket', ...base, routes: readRoutes(report, `${at}.route`, options.route) }
}

function readRoutes(report: Report, at: string, value: unknown): readonly string[] {
  if (value === undefined) return defaultRoutes
  const keys: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (keys.length === 0)
    report.add(at, 'is an empty list; leave it out for $connect, $disconnect and $default')
  const routes: string[] = []
  for (const key of keys) {
    if (typeof key === 'string' && (defaultRoutes.includes(key) || /^[A-Za-z0-9._/-]{1,128}$/.test(key)))
      routes.push(key)
    else {
      report.add(
        at,
        `${show(key)} is no route: it is $connect, $disconnect, $default or what a message names in 'action' (letters, digits, . _ / -)`,
      )
    }
  }
  return routes
}
