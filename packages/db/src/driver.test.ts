import { CompiledQuery, type DatabaseConnection } from 'kysely'
import { expect, test } from 'vitest'
import { LentConnection } from './driver.ts'
import { TransactionEndedError } from './errors.ts'

test('a lent connection ends after the statement under way, and takes no more', async () => {
  const statement = Promise.withResolvers<{ rows: never[] }>()
  const connection: DatabaseConnection = {
    executeQuery: () => statement.promise,
    async *streamQuery() {},
  }
  const lent = new LentConnection(connection)
  const events: string[] = []
  const running = lent.executeQuery(CompiledQuery.raw('select 1')).then(
    () => events.push('answered'),
    () => events.push('failed'),
  )
  const ended = lent.end().then(() => events.push('ended'))
  await expect(lent.executeQuery(CompiledQuery.raw('select 2'))).rejects.toThrow(TransactionEndedError)
  const stream = lent.streamQuery(CompiledQuery.raw('select 3'), 1)
  await expect(stream.next()).rejects.toThrow(TransactionEndedError)
  expect(events).toEqual([])
  statement.reject(new Error('no'))
  await Promise.all([running, ended])
  expect(events).toEqual(['failed', 'ended'])
})
