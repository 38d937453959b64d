import { defineApp, http, queue, schedule, socket, sqlite } from '@thaw/app'
import { expect, test } from 'vitest'
import { type BannerFacts, banner } from './banner.ts'

const addresses = {
  url: 'http://127.0.0.1:3000',
  awsUrl: 'http://127.0.0.1:3001',
  s3Url: 'http://127.0.0.1:3002',
  nowMs: Date.UTC(2026, 0, 31, 22, 30),
}

const show = (facts: Omit<BannerFacts, keyof typeof addresses>) =>
  banner({ ...addresses, ...facts }).join('\n')

test('says what there is, how to reach it, how it is isolated, and how to end it', () => {
  const app = defineApp({
    name: 'guestbook',
    database: sqlite(),
    functions: {
      api: http('./api.ts'),
      pages: http('./pages.ts', { front: 'rest-api', route: ['GET /pages', 'GET /pages/{id}'] }),
      Files: http('./files.ts', { front: 'function-url' }),
      live: socket('./live.ts'),
      greeter: queue('./greeter.ts'),
      weeklyMail: queue('./mail.ts', { fifo: true }),
      census: schedule('./census.ts', 'cron(0 3 * * ? *)'),
      past: schedule('./census.ts', 'cron(0 3 1 1 ? 2020)'),
      off: schedule('./census.ts', 'rate(1 day)', { enabled: false }),
    },
  })
  const text = show({
    app,
    isolation: 'namespace',
    databaseUrl: 'postgres://me:hunter2@localhost/guestbook',
    packaged: false,
    inspected: ['api', 'greeter'],
    more: [['extra', 'on']],
    interactive: true,
  })
  expect(text).toBe(`
guestbook is at http://127.0.0.1:3000

  Files       Function URL   http://files.lambda-url.localhost:3000
  api         HTTP API       everything else
  census      schedule       cron(0 3 * * ? *), next at 2026-02-01 03:00:00 UTC
  greeter     queue          GREETER_QUEUE_URL
  live        WebSocket API  ws://127.0.0.1:3000 ($connect, $disconnect, $default)
  off         schedule       rate(1 day), not enabled
  pages       REST API       GET /pages
                             GET /pages/{id}
  past        schedule       cron(0 3 1 1 ? 2020), never again
  weeklyMail  FIFO queue     WEEKLY_MAIL_QUEUE_URL

  Lambda    http://127.0.0.1:3001, as in: aws lambda invoke --endpoint-url … (or thaw invoke NAME)
  SQS       http://127.0.0.1:3001
  S3        http://127.0.0.1:3002, kept in .thaw/s3
  database  postgres://me:***@localhost/guestbook
  /tmp      each environment has its own, of the size that its function has
  code      environments are replaced when sources change
  debugger  api, greeter: no time limits, never frozen; the log says where to attach
  extra     on

  q or Ctrl-C ends it
`)
})

test('says nothing of what there is not', () => {
  const app = defineApp({ name: 'small', functions: { api: http('./api.ts', { route: 'GET /' }) } })
  const off = { databaseUrl: null, packaged: true, inspected: [], interactive: false }
  expect(show({ app, isolation: 'folder', ...off })).toBe(`
small is at http://127.0.0.1:3000

  api  HTTP API  GET /

  Lambda  http://127.0.0.1:3001, as in: aws lambda invoke --endpoint-url … (or thaw invoke NAME)
  S3      http://127.0.0.1:3002, kept in .thaw/s3
  /tmp    each environment has a folder, named by TMPDIR and watched; '/tmp' itself is this machine's
  code    the zips of thaw build; changes of the sources do not count

  Ctrl-C ends it
`)
})

test('says where layers are when nothing can be mounted', () => {
  const app = defineApp({
    name: 'small',
    functions: { api: http('./api.ts', { layers: ['./layers/agent'] }) },
  })
  const off = { databaseUrl: null, packaged: true, inspected: [], interactive: false }
  const of = (isolation: 'folder' | 'namespace') => show({ app, isolation, ...off })
  expect(of('folder')).toContain("/opt    there is none: layers lie in a folder of the simulator's")
  expect(of('namespace')).not.toContain('/opt')
})
