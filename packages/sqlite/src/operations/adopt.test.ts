import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { memoryStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { open, refusal, rows, temporaryDirectory, withOperations } from '../../test/kit.ts'
import { listAll } from '../files.ts'
import { ADOPTED_KEY, adoptDatabase } from './adopt.ts'

const KEY = 'app.db'
const target = (store = memoryStore()) => ({ store, description: 'the database' })
const whole = (store = memoryStore()) => ({ store, key: KEY, description: 's3://bucket/app.db' })

let file: Uint8Array

beforeEach(() => {
  const path = join(temporaryDirectory(), KEY)
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE t(v); INSERT INTO t VALUES (1)')
  db.close()
  file = readFileSync(path)
})

test('a note that cannot be left fails no adoption', async () => {
  const store = memoryStore()
  const from = memoryStore()
  await from.put(KEY, file)
  const noNotes = withOperations(store, {
    put: async (key, body, options) => {
      if (key === ADOPTED_KEY) throw refusal(key)
      return store.put(key, body, options)
    },
  })
  expect(await adoptDatabase(target(noNotes), whole(from))).toMatchObject({ pageSize: 4096 })
  expect(await rows(await open({ store }), 'SELECT v FROM t')).toEqual([{ v: 1 }])
})

test('a file that somebody writes to all the time is named, and nothing is adopted', async () => {
  const from = memoryStore()
  await from.put(KEY, file)
  const busy = withOperations(from, {
    get: async (key, options) => {
      await from.put(KEY, file)
      return from.get(key, options)
    },
  })
  const store = memoryStore()
  await expect(adoptDatabase(target(store), whole(busy))).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringMatching(/s3:\/\/bucket\/app\.db was replaced 3 times while it was read/),
  })
  expect(await listAll(store)).toEqual([])
})
