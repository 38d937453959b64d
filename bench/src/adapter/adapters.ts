/** What is measured: an adapter with an application in the framework it is made for. */
export interface Contestant {
  readonly name: string
  /** The file in `entries` that exports the handler. */
  readonly entry: string
  /** What is imported where the adapter's own size is asked for. */
  readonly adapter: string
}

const contestant = (name: string, entry: string, adapter: string): Contestant => ({ name, entry, adapter })

export const thawHono = contestant('Thaw', 'thaw-hono', `export { serve } from '@thaw/lambda'`)
export const thawExpress = contestant(
  'Thaw with Express',
  'thaw-express',
  `export { nodeListener, serve } from '@thaw/lambda'`,
)

/** What does the same without Thaw: Hono with its adapter, Express and Fastify with theirs. */
export const peers: readonly Contestant[] = [
  contestant('hono/aws-lambda', 'hono', `export { handle } from 'hono/aws-lambda'`),
  contestant('serverless-http', 'serverless-http', `export { default } from 'serverless-http'`),
  contestant(
    '@codegenie/serverless-express',
    'serverless-express',
    `export { configure } from '@codegenie/serverless-express'`,
  ),
  contestant('@fastify/aws-lambda', 'fastify', `export { default } from '@fastify/aws-lambda'`),
]

export const expressPeers = peers.filter(({ entry }) => entry.startsWith('serverless-'))
