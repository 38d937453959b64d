import type { HttpFront } from '@thaw/app'
import type { Outcome } from '../../src/environment/outcome.ts'
import { type Front, type FrontOptions, startFront } from '../../src/http/front.ts'
import type { HttpTargets } from '../../src/http/targets.ts'

export interface FakeFront extends Front, AsyncDisposable {
  readonly lines: readonly string[]
}

export interface FakeOptions
  extends Pick<FrontOptions, 'albMultiValue' | 'timeoutMs' | 'intercept' | 'upgrades'> {
  readonly stream?: boolean
}

/** A front before one function `one`, which takes every request, and what stands in for the function. */
export async function fakeFront(
  front: HttpFront,
  invoke: (event: unknown) => Promise<Partial<Outcome>>,
  { stream = false, ...options }: FakeOptions = {},
): Promise<FakeFront> {
  const target = { functionName: 'one', front, stream, web: false }
  const targets: HttpTargets = {
    routes: [{ key: '$default', method: 'ANY', path: null, target }],
    addresses: new Map(),
    fallback: 'http-api',
  }
  const lines: string[] = []
  const started = await startFront({
    host: '127.0.0.1',
    port: 0,
    targets: () => targets,
    invoke: async (_name, event) => ({ ...plainOutcome, ...(await invoke(JSON.parse(event))) }),
    lease: unexpected,
    log: (line) => lines.push(line),
    ...options,
  })
  return { ...started, lines, [Symbol.asyncDispose]: () => started.close() }
}

const plainOutcome: Outcome = {
  requestId: 'b1946ac9-2492-4d23-8d1e-fe1c6f4f7a10',
  environmentId: 'one#1',
  payload: '',
  stream: null,
  functionError: null,
  durationMs: 1,
  initMs: null,
}

/** For a front without a Web Function. */
export async function unexpected(): Promise<never> {
  throw new Error('there is no Web Function')
}

/** A function that returns `answer`. */
export const answering = (answer: unknown) => async () => ({ payload: JSON.stringify(answer) ?? 'null' })

/** A streamed answer of these chunks; an error among them breaks it off. */
export function streamOf(
  contentType: string,
  chunks: Iterable<string | Uint8Array | Error>,
): NonNullable<Outcome['stream']> {
  return {
    contentType,
    body: (async function* () {
      for (const chunk of chunks) {
        if (chunk instanceof Error) throw chunk
        yield Buffer.from(chunk as Uint8Array)
      }
    })(),
  }
}

export const preludeType = 'application/vnd.awslambda.http-integration-response'

/** What stands before a streamed body. */
export const prelude = (head: unknown) => Buffer.concat([Buffer.from(JSON.stringify(head)), Buffer.alloc(8)])
