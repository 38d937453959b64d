import { type App, type AppFunction, MAINTENANCE_NAME } from '@thaw/app'

/** What invokes each function that is deployed, by its name, in a few words. */
export function describeFunctions({ functions, database }: App): Record<string, string> {
  const described = Object.fromEntries(functions.map((fn) => [fn.name, describe(fn)]))
  return database?.maintenance ? { ...described, [MAINTENANCE_NAME]: database.maintenance } : described
}

function describe(fn: AppFunction): string {
  const more = fn.provisioned > 0 ? `; ${fn.provisioned} provisioned` : ''
  return `${invoker(fn)}${more}`
}

function invoker(fn: AppFunction): string {
  if (fn.kind === 'queue') return `${fn.queue.fifo ? 'FIFO queue' : 'queue'}, ${fn.queue.tries} tries`
  if (fn.kind === 'schedule') return fn.enabled ? fn.schedule : `${fn.schedule}, disabled`
  if (fn.kind === 'socket') return `WebSocket API: ${fn.routes.join(', ')}`
  if (fn.requestsPerEnvironment > 1) return `Web Function, ${fn.requestsPerEnvironment} requests at once`
  const streaming = fn.stream ? ', streaming' : ''
  if (fn.front === 'function-url') return `Function URL${streaming}`
  const api = fn.front === 'rest-api' ? 'REST API' : 'HTTP API'
  return `${api}${streaming}: ${fn.routes.map(({ key }) => key).join(', ')}`
}
