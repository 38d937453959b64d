import type { Database } from '@thaw/db'
import { Hono } from 'hono'
import { RequestError } from './errors.ts'
import { computeAndStore } from './features/store.ts'
import { ingest } from './ingest/ingest.ts'
import { readProfile } from './profile.ts'
import { readAsOf, readLimit, readWindow } from './query.ts'
import type { Schema } from './schema.ts'
import { readStats } from './stats.ts'
import { listUsers, requireUser } from './users.ts'

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

/** The HTTP API over a database. What a request has wrong is answered here; any other error is thrown on. */
export function createApp(db: Database<Schema>, clock: Clock): Hono {
  const app = new Hono({ strict: false })

  app.post('/ingest', async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer())
    return c.json(await ingest(db, bytes, c.req.header('idempotency-key'), clock.now), 201)
  })
  app.get('/users', async (c) =>
    c.json(await listUsers(db, readLimit(c.req.query('limit')), c.req.query('after'))),
  )
  app.get('/users/:id', async (c) => c.json(await requireUser(db, c.req.param('id'))))
  app.get('/profile/:id', async (c) => {
    const window = readWindow(c.req.query('window'))
    return c.json(await readProfile(db, c.req.param('id'), window, readAsOf(c.req.query('asOf'))))
  })
  app.post('/features/compute/:id', async (c) =>
    c.json(await computeAndStore(db, c.req.param('id'), readAsOf(c.req.query('asOf')), clock.now)),
  )
  app.get('/api/stats', async (c) => c.json(await readStats(db)))

  app.notFound((c) =>
    new RequestError('ROUTE_NOT_FOUND', `${c.req.method} ${c.req.path} is not served here.`).getResponse(),
  )
  app.onError((error) => {
    if (error instanceof RequestError) return error.getResponse()
    throw error
  })
  return app
}
