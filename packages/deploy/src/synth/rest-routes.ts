import { type Method, matchRoute, type Route } from '@thaw/app'

/** A route and the function that it leads to. */
export type OwnedRoute = Route & { readonly owner: string }

/** A method of a resource of a REST API. */
export interface RestMethod {
  /** `/users/{id}`, `/{proxy+}` */
  readonly path: string
  readonly method: Method
  readonly owner: string
}

const concreteMethods: readonly Method[] = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']

/**
 * The methods of a REST API that does what an HTTP API does with these routes, as far as it can.
 *
 * A REST API looks for the resource first and never for another when that has no such method, so every resource gets all
 * methods that a less specific route would take, and a greedy resource below it for longer paths. What it cannot be told
 * is in `restRouteProblems`; and where `/a/b` and `/a/{x}/c` are both there, `/a/b/c` goes to a greedy route or nowhere.
 */
export function restMethods(routes: readonly OwnedRoute[]): RestMethod[] {
  return resourcesOf(routes).flatMap((path) => {
    const sample = sampleOf(path)
    const ownerOf = (method: string) => matchRoute(routes, method, sample)?.route.owner
    // No route names this method, so that only those for ANY take it.
    const ofOthers = ownerOf('')
    const methods: RestMethod[] = ofOthers === undefined ? [] : [{ path, method: 'ANY', owner: ofOthers }]
    for (const method of concreteMethods) {
      const owner = ownerOf(method)
      if (owner !== undefined && owner !== ofOthers) methods.push({ path, method, owner })
    }
    return methods
  })
}

/** What a REST API cannot be told of these routes. */
export function restRouteProblems(routes: readonly Route[]): string[] {
  const problems = new Set<string>()
  const names = new Map<string, { readonly name: string; readonly key: string }>()
  for (const { key, path } of routes) {
    for (const [index, segment] of segmentsOf(path ?? '/').entries()) {
      if (!segment.startsWith('{')) {
        if (/^[A-Za-z0-9._:-]+$/.test(segment)) continue
        problems.add(
          `'${segment}' of '${key}' has a character that a REST API refuses; it takes letters, digits and . _ - :`,
        )
        continue
      }
      const place = segmentsOf(path ?? '/')
        .slice(0, index)
        .join('/')
      const known = names.get(place)
      if (known === undefined) names.set(place, { name: segment, key })
      else if (known.name !== segment) {
        problems.add(
          `'${known.key}' and '${key}' name one place ${known.name} and ${segment}, and a REST API takes one: name both alike`,
        )
      }
    }
  }
  return [...problems]
}

/** Every resource that can be reached, parents first. */
function resourcesOf(routes: readonly OwnedRoute[]): string[] {
  const paths = new Set(['/'])
  for (const { path } of routes) {
    const segments = segmentsOf(path ?? '/')
    for (const index of segments.keys()) paths.add(`/${segments.slice(0, index + 1).join('/')}`)
  }
  for (const path of [...paths]) {
    if (path.endsWith('+}')) continue
    const below = path === '/' ? '/' : `${path}/`
    const hasVariable = [...paths].some((other) => other.startsWith(`${below}{`))
    const greedy = `${below}{proxy+}`
    const takesMore = ['', ...concreteMethods].some(
      (method) => matchRoute(routes, method, sampleOf(greedy)) !== null,
    )
    if (!hasVariable && takesMore) paths.add(greedy)
  }
  return [...paths].sort()
}

function segmentsOf(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/')
}

/** A path that no resource but this one, and those above it, would take. */
function sampleOf(path: string): string {
  return path.replaceAll(/\{[^}]+\}/g, '~')
}
