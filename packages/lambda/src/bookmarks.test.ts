import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, expect, test, vi } from 'vitest'
import { event, lambdaContext, requestContext, restApiEvent } from '../test/events.ts'
import { invokeStreaming, stubRuntime } from '../test/streaming.ts'
import { type AroundOptions, type Participant, serve } from './index.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

interface Store extends Participant {
  /** What this request wrote; settled when `around` ends. */
  write(state: string): void
  readonly asked: (AroundOptions | undefined)[]
}

/** A participant whose bookmark is right only after `around`, in the context of its request. */
function createStore(): Store {
  const requests = new AsyncLocalStorage<{ pending: string | null; seen: string | null }>()
  const asked: (AroundOptions | undefined)[] = []
  return {
    asked,
    get bookmark() {
      return requests.getStore()?.seen ?? null
    },
    write(state) {
      const request = requests.getStore()
      if (request) request.pending = state
    },
    async around(_invocation, next, options) {
      asked.push(options)
      const brought = options?.freshness?.bookmark
      const request = { pending: null as string | null, seen: brought ?? null }
      try {
        return await requests.run(request, next)
      } finally {
        await null
        if (request.pending) request.seen = request.pending
      }
    },
  }
}

const get = (bookmark?: string) => event('/', bookmark === undefined ? {} : withHeader(bookmark))
const withHeader = (bookmark: string) => ({ headers: { host: 'a.example', 'X-Thaw-Bookmark': bookmark } })
const brings = (bookmark: string) => ({ freshness: { bookmark, otherwise: 'strong' } })

test('a bookmark goes out with the answer and comes back as freshness', async () => {
  const store = createStore()
  const app = (request: Request) => {
    if (request.method === 'POST') store.write('w-7')
    return new Response('ok')
  }
  const handler = serve(app, { with: [store] })
  const written = await handler(
    event('/', { requestContext: requestContext('a.example', 'POST') }),
    lambdaContext(),
  )
  expect(written.headers?.['x-thaw-bookmark']).toBe('w-7')
  const read = await handler(get('w-7'), lambdaContext())
  expect(store.asked).toEqual([undefined, brings('w-7')])
  expect(read).toMatchObject({ body: 'ok', headers: { 'x-thaw-bookmark': 'w-7' } })
})

test('requests at the same time have their own, and nothing to say is no header', async () => {
  const store = createStore()
  const app = async (request: Request) => {
    const path = new URL(request.url).pathname
    if (path !== '/none') store.write(`of${path.replace('/', '-')}`)
    return new Response()
  }
  const handler = serve(app, { with: [store] })
  const answers = await Promise.all(
    ['/a', '/none', '/b'].map((path) => handler(event(path), lambdaContext())),
  )
  expect(answers.map(({ headers }) => headers?.['x-thaw-bookmark'])).toEqual(['of-a', undefined, 'of-b'])
})

test('several participants share the header by their order; the others take no part', async () => {
  const [first, second] = [createStore(), createStore()]
  const plain: Participant = { around: (_invocation, next) => next() }
  const handler = serve(
    () => {
      second.write('b2')
      return new Response()
    },
    { with: [plain, first, second] },
  )
  expect((await handler(get(), lambdaContext())).headers?.['x-thaw-bookmark']).toBe(',b2')
  expect((await handler(get('a1,b1'), lambdaContext())).headers?.['x-thaw-bookmark']).toBe('a1,b2')
  expect([first.asked[1], second.asked[1]]).toEqual([brings('a1'), brings('b1')])
})

test('a REST API and a streamed answer carry it too', async () => {
  const store = createStore()
  const app = () => {
    store.write('s-1')
    return new Response('bytes')
  }
  const sent = restApiEvent({
    method: 'GET',
    target: '/',
    headers: [['Host', 'a.example']],
    body: Buffer.of(),
  })
  expect(await serve(app, { with: [store] })(sent, lambdaContext())).toMatchObject({
    headers: { 'x-thaw-bookmark': 's-1' },
  })
  stubRuntime()
  const { head, body } = await invokeStreaming(serve(app, { with: [store], stream: true }), sent)
  expect(head).toMatchObject({ headers: { 'x-thaw-bookmark': 's-1' } })
  expect(body.toString()).toBe('bytes')
})

test('pages of other origins may read it where CORS lets them in', async () => {
  const store = createStore()
  const handler = serve(() => new Response(), {
    with: [store],
    cors: { origins: '*', exposedHeaders: ['etag'] },
  })
  const { headers } = await handler(get('m-1'), lambdaContext())
  expect(headers?.['access-control-expose-headers']).toBe('etag, x-thaw-bookmark')
})

test.each(['', 'with space', 'quote"', 'é', 'x'.repeat(129), 'a'.repeat(2_000)])(
  'a header %j that holds no bookmark is as good as none',
  async (header) => {
    const store = createStore()
    const answer = await serve(() => new Response(), { with: [store] })(get(header), lambdaContext())
    expect(answer.statusCode).toBe(200)
    expect(store.asked).toEqual([undefined])
  },
)

test.each(['GET', 'POST'])(
  'an error ends a %s as ever: what it brought is no reason to run it again',
  async (method) => {
    const store = createStore()
    let runs = 0
    const app = () => Promise.reject(Object.assign(new Error(String(++runs)), { code: 'BOOKMARK_AHEAD' }))
    const sent = event('/', { ...withHeader('m-9'), requestContext: requestContext('a.example', method) })
    expect((await serve(app, { with: [store], log() {} })(sent, lambdaContext())).statusCode).toBe(500)
    expect([runs, store.asked]).toEqual([1, [brings('m-9')]])
  },
)
