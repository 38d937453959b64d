import type { App, AppFunction, HttpFunction } from '@thaw/app'
import { restRouteProblems } from './rest-routes.ts'

/** The times that AWS advises at least where a function may be throttled: each refusal counts as a delivery. */
const triesUnderThrottling = 5

/** What AWS would refuse of what stands before the functions, or what would not work there. */
export function frontProblems({ functions }: App): string[] {
  const restRoutes = functions.filter(isBehindRestApi).flatMap(({ routes }) => routes)
  return [...functions.flatMap(problemsOf), ...restRouteProblems(restRoutes)]
}

function problemsOf(fn: AppFunction): string[] {
  if (fn.kind === 'queue') {
    const { tries, fifo } = fn.queue
    if (fn.concurrency !== 1 || fifo || tries >= triesUnderThrottling) return []
    return [
      `'${fn.name}' runs once at a time, so that Lambda delivers messages that it then refuses, and after ${tries} such tries they would be dead letters: give it tries: ${triesUnderThrottling} or more, or concurrency: 2`,
    ]
  }
  if (fn.kind !== 'http') return []
  if (fn.front === 'alb') {
    return [
      `'${fn.name}' is behind a load balancer, which only the simulator has: Thaw deploys none, because it costs by the hour and needs a network of its own; take front: 'http-api'`,
    ]
  }
  return fn.requestsPerEnvironment > 1 ? webFunctionProblems(fn) : []
}

/** Web Functions have fewer settings than functions with events. */
function webFunctionProblems(fn: HttpFunction): string[] {
  const refused = [
    fn.provisioned > 0 && 'provisioned environments',
    fn.concurrency !== undefined && 'a concurrency',
    fn.temporaryMb !== 512 && `a 'temporary'`,
  ].filter((what) => what !== false)
  return refused.map(
    (what) =>
      `'${fn.name}' is a Web Function, which cannot have ${what}: leave it out, or requestsPerEnvironment`,
  )
}

function isBehindRestApi(fn: AppFunction): fn is HttpFunction {
  return fn.kind === 'http' && fn.front === 'rest-api'
}
