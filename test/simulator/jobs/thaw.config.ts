import { defineApp, http, queue, schedule, socket, sqlite } from '@thaw/app'

export default defineApp({
  name: 'jobs',
  database: sqlite({ migrations: './migrations' }),
  functions: {
    api: http('./src/api.ts'),
    worker: queue('./src/worker.ts', { tries: 2 }),
    nightly: schedule('./src/nightly.ts', 'cron(0 3 * * ? *)', { enabled: false }),
    live: socket('./src/live.ts', { route: ['$connect', '$disconnect', 'count'] }),
  },
})
