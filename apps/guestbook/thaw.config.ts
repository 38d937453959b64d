import { defineApp, http, queue, schedule, socket, sqlite } from '@thaw/app'

export default defineApp({
  name: 'guestbook',
  database: sqlite({ migrations: './migrations' }),
  functions: {
    api: http('./src/api.ts', { memory: 1024, timeout: '30s' }),
    greeter: queue('./src/greeter.ts', { tries: 3 }),
    live: socket('./src/live.ts'),
    census: schedule('./src/census.ts', 'rate(1 day)'),
  },
})
