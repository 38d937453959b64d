import type { App } from '@thaw/app'

/** The function behind each route of the application's WebSocket API. */
export function socketRoutes(app: App): ReadonlyMap<string, string> {
  const sockets = app.functions.filter((fn) => fn.kind === 'socket')
  return new Map(sockets.flatMap((fn) => fn.routes.map((route) => [route, fn.name] as const)))
}

/**
 * The route of a message by `$request.body.action`: `$default` takes what is no JSON object, names no action, or
 * one that has no route. Null when no route is left.
 */
export function routeOf(message: string, routes: ReadonlyMap<string, string>): string | null {
  const action = actionOf(message)
  if (action !== null && !action.startsWith('$') && routes.has(action)) return action
  return routes.has('$default') ? '$default' : null
}

function actionOf(message: string): string | null {
  try {
    const { action } = Object(JSON.parse(message)) as { readonly action?: unknown }
    return ['string', 'number', 'boolean'].includes(typeof action) ? String(action) : null
  } catch {
    return null
  }
}
