import { type App, type AppFunction, type HttpFront, nextTime, queueUrlVariable } from '@thaw/app'
import type { Simulator } from '@thaw/local'
import { table } from '../help.ts'
import { hideSecrets } from './environment.ts'

export interface BannerFacts extends Pick<Simulator, 'url' | 'awsUrl' | 's3Url' | 'isolation'> {
  readonly app: App
  /** `DATABASE_URL` of the functions; null when there is none. */
  readonly databaseUrl: string | null
  readonly packaged: boolean
  /** Functions to which a debugger may be attached. */
  readonly inspected: readonly string[]
  /** Further rows, each a name and what is to be said. */
  readonly more?: readonly (readonly [string, string])[]
  /** Whether keys are listened to. */
  readonly interactive: boolean
  readonly nowMs: number
}

const fronts: Readonly<Record<HttpFront, string>> = {
  'http-api': 'HTTP API',
  'rest-api': 'REST API',
  'function-url': 'Function URL',
  alb: 'load balancer',
}

const isolations = {
  namespace: 'each environment has its own, of the size that its function has',
  folder: "each environment has a folder, named by TMPDIR and watched; '/tmp' itself is this machine's",
} as const

/** What `thaw dev` says when it runs, line by line: what there is, how to reach it, and how to end it. */
export function banner(facts: BannerFacts): string[] {
  const { app, url, awsUrl, s3Url, databaseUrl, inspected } = facts
  const functions = app.functions.flatMap((fn) => {
    const [kind, ways] = describe(fn, facts)
    return ways.map((way, index) => (index === 0 ? [fn.name, kind, way] : ['', '', way]))
  })
  const rows = [
    ['Lambda', `${awsUrl}, as in: aws lambda invoke --endpoint-url … (or thaw invoke NAME)`],
    ...(app.functions.some((fn) => fn.kind === 'queue') ? [['SQS', awsUrl]] : []),
    ['S3', `${s3Url}, kept in .thaw/s3`],
    ...(databaseUrl === null ? [] : [['database', hideSecrets(databaseUrl)]]),
    ['/tmp', isolations[facts.isolation]],
    ...(facts.isolation === 'folder' && app.functions.some(({ layers }) => layers.length > 0)
      ? [['/opt', "there is none: layers lie in a folder of the simulator's, and extensions run from there"]]
      : []),
    [
      'code',
      facts.packaged
        ? 'the zips of thaw build; changes of the sources do not count'
        : 'environments are replaced when sources change',
    ],
    ...(inspected.length === 0
      ? []
      : [
          ['debugger', `${inspected.join(', ')}: no time limits, never frozen; the log says where to attach`],
        ]),
    ...(facts.more ?? []),
  ]
  return [
    '',
    `${app.name} is at ${url}`,
    '',
    ...table(functions),
    '',
    ...table(rows),
    '',
    facts.interactive ? '  q or Ctrl-C ends it' : '  Ctrl-C ends it',
    '',
  ]
}

/** What a function is, and each way to reach it. */
function describe(fn: AppFunction, { url, nowMs }: BannerFacts): [kind: string, ways: readonly string[]] {
  switch (fn.kind) {
    case 'http': {
      const routes = fn.routes.map(({ key }) => (key === '$default' ? 'everything else' : key))
      const own = `http://${fn.name.toLowerCase()}.lambda-url.localhost:${new URL(url).port}`
      return [fronts[fn.front], fn.front === 'function-url' ? [own] : routes]
    }
    case 'socket':
      return ['WebSocket API', [`${url.replace('http', 'ws')} (${fn.routes.join(', ')})`]]
    case 'queue':
      return [fn.queue.fifo ? 'FIFO queue' : 'queue', [queueUrlVariable(fn.name)]]
    case 'schedule': {
      const next = fn.enabled ? nextTime(fn.schedule, nowMs, nowMs) : null
      if (!fn.enabled) return ['schedule', [`${fn.schedule}, not enabled`]]
      return ['schedule', [`${fn.schedule}, ${next === null ? 'never again' : `next at ${show(next)}`}`]]
    }
  }
}

function show(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
