import { Hono } from 'hono'
import { stats } from './data.ts'

/** A small answer, and the body of a request again. */
export const app = new Hono()
app.get('/api/stats', (c) => c.json(stats))
app.post('/api/echo', async (c) => c.body(await c.req.text(), 200, { 'content-type': 'application/json' }))
