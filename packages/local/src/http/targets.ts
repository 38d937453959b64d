import {
  type AppFunction,
  fronts,
  type HttpFront,
  type HttpFunction,
  matchRoute,
  type Route,
} from '@thaw/app'
import type { WireRequest } from './request.ts'

/** A function and what stands before it. */
export interface HttpTarget {
  readonly functionName: string
  readonly front: HttpFront
  readonly stream: boolean
  /** Whether it is a Web Function, which gets the requests themselves. */
  readonly web: boolean
}

export type TargetRoute = Route & { readonly target: HttpTarget }

/** Where requests of an application go. */
export interface HttpTargets {
  readonly routes: readonly TargetRoute[]
  /** Functions with an address of their own, by their names in lower case. */
  readonly addresses: ReadonlyMap<string, HttpTarget>
  /** What answers when no function takes a request. */
  readonly fallback: HttpFront
}

/** The route that a request took. */
export interface RouteMatch {
  readonly route: Route
  /** Decoded. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface FoundTarget {
  readonly target: HttpTarget
  /** Null for a function that was reached by its own address. */
  readonly match: RouteMatch | null
}

const defaultRoute: Route = { key: '$default', method: 'ANY', path: null }

/**
 * Where the requests of these functions go. A function behind a Function URL has the host
 * `NAME.lambda-url.localhost`; if it is the only one and no other function takes what is left, that comes to it too.
 *
 * @param front stands before every function, whatever the application says; null for what it says.
 */
export function planTargets(functions: readonly AppFunction[], front: HttpFront | null): HttpTargets {
  const https = functions.filter((fn) => fn.kind === 'http')
  const targetOf = (fn: HttpFunction): HttpTarget => ({
    functionName: fn.name,
    front: front ?? fn.front,
    stream: fn.stream,
    web: isWeb(fn, front),
  })
  const routes = https.flatMap((fn) => fn.routes.map((route) => ({ ...route, target: targetOf(fn) })))
  const addressed = https.filter((fn) => fn.front === 'function-url' || front === 'function-url')
  const [only, ...others] = addressed.filter((fn) => fn.routes.length === 0)
  if (only !== undefined && others.length === 0 && !routes.some((route) => route.key === '$default')) {
    routes.push({ ...defaultRoute, target: targetOf(only) })
  }
  return {
    routes,
    addresses: new Map(addressed.map((fn) => [fn.name.toLowerCase(), targetOf(fn)])),
    fallback: fronts.find((kind) => routes.some(({ target }) => target.front === kind)) ?? 'http-api',
  }
}

/** A Web Function is one behind a Function URL only: another front that is put before it makes events for it. */
export function isWeb(fn: HttpFunction, front: HttpFront | null): boolean {
  return fn.requestsPerEnvironment > 1 && (front ?? fn.front) === 'function-url'
}

/** The function that a request goes to; null when there is none. */
export function findTarget(targets: HttpTargets, request: WireRequest): FoundTarget | null {
  if (targets.addresses.size > 0) {
    const name = /^([^.:]+)\.lambda-url\./i.exec(request.host)?.[1]
    if (name !== undefined) {
      const target = targets.addresses.get(name.toLowerCase())
      return target === undefined ? null : { target, match: null }
    }
  }
  const match = matchRoute(targets.routes, request.method, request.path)
  if (match === null) return null
  const { target } = match.route
  if (target.front === 'function-url') return { target, match: null }
  return { target, match: target.front === 'rest-api' ? findResource(targets, request) : match }
}

/**
 * A REST API has resources with methods. Where a resource lacks the method that a less specific route has, it is deployed
 * with it, so that the function is the one that an HTTP API would find; but the event names the resource.
 */
function findResource({ routes }: HttpTargets, request: WireRequest): RouteMatch | null {
  const resources = routes
    .filter(({ target }) => target.front === 'rest-api')
    .map(({ key, path }) => (path === null ? defaultRoute : { key, path, method: 'ANY' as const }))
  return matchRoute(resources, request.method, request.path)
}
