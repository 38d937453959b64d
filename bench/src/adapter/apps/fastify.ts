import fastify from 'fastify'
import { stats } from './data.ts'

/** The same as the application of Hono. */
export const app = fastify({ bodyLimit: 6_291_556 })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
app.get('/api/stats', async () => stats)
app.post('/api/echo', async (request, reply) => reply.type('application/json').send(request.body))
