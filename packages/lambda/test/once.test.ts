import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { type Atomic, type Message, once, queue, schedule } from '../src/index.ts'
import { lambdaContext, sqsRecord } from './events.ts'

/** A database that knows the keys of its transactions, in one connection. */
function openDatabase(): Atomic<DatabaseSync> & { rows(): unknown[] } {
  const sqlite = new DatabaseSync(':memory:')
  sqlite.exec('create table keys (key text primary key); create table done (body text)')
  return {
    rows: () =>
      sqlite
        .prepare('select body from done')
        .all()
        .map(({ body }) => body),
    async atomic(fn, { key }) {
      sqlite.exec('begin')
      try {
        const { changes } = sqlite.prepare('insert or ignore into keys values (?)').run(key)
        const result = changes === 1 ? await fn(sqlite) : null
        sqlite.exec('commit')
        return result as never
      } catch (error) {
        sqlite.exec('rollback')
        throw error
      }
    },
  }
}

test('a message that is delivered again takes effect once, but one that failed does then', async () => {
  const database = openDatabase()
  let fails = true
  const handler = queue(
    once(database, ({ id }: Message<unknown>, tx) => {
      tx.prepare('insert into done values (?)').run(id)
      if (id === 'm2' && fails) throw new Error('not yet')
    }),
    { log() {} },
  )
  const event = { Records: [sqsRecord('m1', 1), sqsRecord('m2', 2)] }
  expect(await handler(event, lambdaContext())).toEqual({ batchItemFailures: [{ itemIdentifier: 'm2' }] })
  fails = false
  for (let delivery = 0; delivery < 2; delivery++) {
    expect(await handler(event, lambdaContext())).toEqual({ batchItemFailures: [] })
  }
  expect(database.rows()).toEqual(['m1', 'm2'])
})

test('messages with the same id in two queues are two messages', async () => {
  const database = openDatabase()
  const handler = queue(
    once(
      database,
      ({ queue }: Message<unknown>, tx) => void tx.prepare('insert into done values (?)').run(queue),
    ),
  )
  const arn = 'arn:aws:sqs:eu-west-1:123456789012:other'
  const other = sqsRecord('m1', 1, { eventSourceARN: arn })
  await handler({ Records: [sqsRecord('m1', 1), other] }, lambdaContext())
  expect(database.rows()).toHaveLength(2)
})

test('so does a schedule', async () => {
  const database = openDatabase()
  const handler = schedule(
    once(database, (_event, tx) => void tx.prepare('insert into done values (1)').run()),
  )
  const event = (id: string) => ({ id, source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} })
  await handler(event('a'), lambdaContext())
  await handler(event('a'), lambdaContext())
  await handler(event('b'), lambdaContext())
  expect(database.rows()).toHaveLength(2)
})
