import { configure } from '@codegenie/serverless-express'
import awsLambdaFastify from '@fastify/aws-lambda'
import { nodeListener, serve } from '@thaw/lambda'
import { handle } from 'hono/aws-lambda'
import serverlessHttp from 'serverless-http'
import type { FrontName } from './fronts.ts'
import { expressMirror, fastifyMirror, honoMirror, type Mirror } from './mirrors.ts'

export type Handler = (event: unknown, context: unknown) => Promise<unknown>

export interface Subject {
  readonly name: string
  readonly isOurs: boolean
  /** A handler of an application that is told `mirror`, with what its documentation says to set for this front. */
  readonly handler: (mirror: Mirror, front: FrontName) => Handler
  /** Fronts that it does not say it can be behind. */
  readonly without: readonly FrontName[]
}

export const subjects: readonly Subject[] = [
  {
    name: 'Thaw',
    isOurs: true,
    handler: (mirror) => serve(honoMirror(mirror), { log() {} }) as Handler,
    without: [],
  },
  {
    name: 'Thaw with Express',
    isOurs: true,
    handler: (mirror) => serve(nodeListener(expressMirror(mirror)), { log() {} }) as Handler,
    without: [],
  },
  {
    name: 'hono/aws-lambda',
    isOurs: false,
    handler: (mirror) => handle(honoMirror(mirror)) as Handler,
    without: [],
  },
  {
    name: 'serverless-http',
    isOurs: false,
    handler: (mirror) => serverlessHttp(expressMirror(mirror), { binary: isBinary }) as Handler,
    without: ['VPC Lattice'],
  },
  {
    name: '@codegenie/serverless-express',
    isOurs: false,
    handler: (mirror) =>
      configure({
        app: expressMirror(mirror),
        binarySettings: { isBinary: ({ headers }: { headers: Record<string, string> }) => isBinary(headers) },
      }) as unknown as Handler,
    without: [],
  },
  {
    name: '@fastify/aws-lambda',
    isOurs: false,
    handler: (mirror, front) =>
      awsLambdaFastify(fastifyMirror(mirror), {
        enforceBase64: ({ headers }) => isBinary(headers as Record<string, string>),
        parseCommaSeparatedQueryParams: false,
        albMultiValueHeaders: front === 'load balancer with lists',
      }) as unknown as Handler,
    without: ['VPC Lattice'],
  },
]

/** For adapters that have to be told which answers are binary: all that their headers do not call plain text. */
function isBinary(headers: Readonly<Record<string, string | undefined>>): boolean {
  const encoding = headers['content-encoding'] ?? 'identity'
  const type = headers['content-type'] ?? ''
  return encoding !== 'identity' || !/^text\/|[/+](?:json|xml)\b/.test(type)
}
