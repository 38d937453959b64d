import { defineApp, http, sqlite } from '@thaw/app'

export default defineApp({
  name: 'spendsense',
  database: sqlite({ migrations: './migrations', seed: './data' }),
  functions: {
    api: http('./src/api.ts', { memory: 2048, timeout: '30s' }),
  },
})
