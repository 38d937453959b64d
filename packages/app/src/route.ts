import { ConfigError } from './errors.ts'
import { type DefaultRoute, type Method, methods, type PathRoute, type Route } from './model.ts'
import type { Parsed } from './units.ts'

/** The route that receives what no other route takes. */
export const defaultRoute: DefaultRoute = Object.freeze({ key: '$default', method: 'ANY', path: null })

/**
 * Reads a route in API Gateway's notation: `GET /users/{id}`, `ANY /files/{path+}`, `$default`.
 * Throws `ConfigError` (`CONFIG_INVALID`) for anything that an HTTP API would refuse.
 */
export function parseRoute(text: string): Route {
  const parsed = readRoute(text)
  if ('problem' in parsed) throw new ConfigError('CONFIG_INVALID', [{ at: 'route', message: parsed.problem }])
  return parsed.value
}

/** `parseRoute` for a caller that collects problems. */
export function readRoute(text: unknown): Parsed<Route> {
  if (text === '$default') return { value: defaultRoute }
  if (typeof text !== 'string') return { problem: `a route is a text like 'GET /users/{id}'` }
  const match = /^(\S+) (\S+)$/.exec(text)
  const method = match?.[1]
  const path = match?.[2]
  if (method === undefined || path === undefined) {
    return { problem: `'${text}' is no route; write a method, one space and a path: 'GET /users/{id}'` }
  }
  if (!isMethod(method)) {
    const upper = method.toUpperCase()
    const hint = isMethod(upper) ? `write ${upper}` : `use one of ${methods.join(', ')}`
    return { problem: `'${method}' in '${text}' is no method that API Gateway routes; ${hint}` }
  }
  const problem = pathProblem(path)
  if (problem !== null) return { problem: `path of '${text}': ${problem}` }
  return { value: Object.freeze<PathRoute>({ key: `${method} ${path}`, method, path }) }
}

/**
 * Two routes with the same shape take the same requests; API Gateway refuses the second. Names of parameters
 * make no difference: `GET /users/{id}` and `GET /users/{user}` have one shape.
 */
export function routeShape(route: Route): string {
  return route.key.replaceAll(/\{[^}+]+\+\}/g, '{+}').replaceAll(/\{[^}+]+\}/g, '{}')
}

function isMethod(text: string): text is Method {
  return (methods as readonly string[]).includes(text)
}

function pathProblem(path: string): string | null {
  if (!path.startsWith('/')) return `it must begin with '/'`
  if (path === '/') return null
  if (path.endsWith('/')) return `API Gateway refuses a '/' at the end; leave it out`
  const names = new Set<string>()
  const segments = path.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    if (segment === '') return `it has an empty segment ('//')`
    const parameter = /^\{([A-Za-z0-9._-]+)(\+?)\}$/.exec(segment)
    if (parameter === null) {
      const problem = segmentProblem(segment)
      if (problem !== null) return problem
      continue
    }
    const [, name = '', plus] = parameter
    if (names.has(name)) return `it names the parameter '${name}' twice`
    names.add(name)
    if (plus === '+' && index !== segments.length - 1)
      return `'${segment}' takes the rest, so it must come last`
  }
  return null
}

function segmentProblem(segment: string): string | null {
  if (/[{}]/.test(segment)) {
    return `'${segment}' mixes text and a parameter; a parameter is a whole segment: '{name}' or '{name+}'`
  }
  if (!/^[A-Za-z0-9\-._~!$&'()*+,;=:@]+$/.test(segment)) {
    return `'${segment}' has a character that a path cannot hold; requests are matched after decoding, so take a parameter for such a segment`
  }
  return null
}
