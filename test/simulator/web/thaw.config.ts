import { defineApp, http, sqlite } from '@thaw/app'

export default defineApp({
  name: 'web',
  database: sqlite({ migrations: './migrations' }),
  functions: { web: http('./src/web.ts', { front: 'function-url', requestsPerEnvironment: 8 }) },
})
