import type { Route } from './model.ts'

export interface RouteMatch<R extends Route> {
  readonly route: R
  /** Decoded. Empty for `$default`. A greedy parameter holds the rest of the path without its first `/`. */
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * The route that an HTTP API sends a request to, or null when there is none (404).
 *
 * `path` is as the client sent it: percent-encoded, without the query. The most specific route wins: a full
 * match before a greedy one before `$default`; then, segment by segment from the left, fixed text before a
 * parameter; then the exact method before `ANY`. Parameters never match an empty segment, and a `/` at the end
 * makes another path. A malformed escape stands for itself.
 *
 * Source: "Routing API requests" of the API Gateway developer guide. What it leaves open (method against path,
 * an encoded `/`) is decided here as said; `%2F` does not part segments.
 */
export function matchRoute<R extends Route>(
  routes: readonly R[],
  method: string,
  path: string,
): RouteMatch<R> | null {
  const segments = path.replace(/^\//, '').split('/').map(decode)
  let best: (RouteMatch<R> & { readonly rank: string }) | null = null
  for (const route of routes) {
    if (route.method !== 'ANY' && route.method !== method) continue
    const match = matchPath(route.path, segments)
    if (match === null) continue
    const rank = match.rank + (route.method === 'ANY' ? '1' : '0')
    if (best === null || rank < best.rank) best = { route, parameters: match.parameters, rank }
  }
  return best === null ? null : { route: best.route, parameters: best.parameters }
}

/** Ranks compare as text, the smaller is the more specific. */
function matchPath(
  pattern: string | null,
  segments: readonly string[],
): { rank: string; parameters: Record<string, string> } | null {
  if (pattern === null) return { rank: '2', parameters: {} }
  const parameters: [string, string][] = []
  const parts = pattern.slice(1).split('/')
  let rank = ''
  for (const [index, part] of parts.entries()) {
    const segment = segments[index]
    if (segment === undefined) return null
    if (!part.startsWith('{')) {
      if (part !== segment) return null
      rank += '0'
      continue
    }
    if (part.endsWith('+}')) {
      const rest = segments.slice(index).join('/')
      if (rest === '') return null
      parameters.push([part.slice(1, -2), rest])
      return { rank: `1${rank}2`, parameters: Object.fromEntries(parameters) }
    }
    if (segment === '') return null
    parameters.push([part.slice(1, -1), segment])
    rank += '1'
  }
  if (segments.length > parts.length) return null
  return { rank: `0${rank}`, parameters: Object.fromEntries(parameters) }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
