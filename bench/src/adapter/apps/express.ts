import express from 'express'
import { stats } from './data.ts'

/** The same as the application of Hono. */
export const app = express()
app.disable('x-powered-by').disable('etag')
app.get('/api/stats', (_request, response) => {
  response.json(stats)
})
app.post('/api/echo', express.text({ type: '*/*', limit: '6mb' }), (request, response) => {
  response.type('json').send(request.body)
})
