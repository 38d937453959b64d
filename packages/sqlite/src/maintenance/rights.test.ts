import { memoryStore, type ObjectStore } from '@thaw/store'
import { expect, test } from 'vitest'
import { AT_ONCE, deleteAsIfDaysLater } from '../../test/days-later.ts'
import { open } from '../../test/kit.ts'
import { maintain } from './maintain.ts'
import { MAINTENANCE_KEYS } from './rights.ts'

test('maintenance needs the rights that it names and no others', async () => {
  const store = memoryStore()
  const db = await open({ store, maintainEvery: 0 })
  await db.execute('CREATE TABLE t(v)')
  for (let n = 0; n < 3; n++) await db.execute('INSERT INTO t VALUES (1)')

  const used = { read: new Set<string>(), put: new Set<string>(), delete: new Set<string>() }
  const use = (right: keyof typeof used, key: string) => {
    const beginning = MAINTENANCE_KEYS[right].find((one) =>
      one.endsWith('/') ? key.startsWith(one) : key === one,
    )
    expect(beginning, `${right} ${key}`).toBeDefined()
    used[right].add(beginning ?? key)
  }
  const watched: ObjectStore = {
    ...store,
    get(key, options) {
      use('read', key)
      return store.get(key, options)
    },
    head(key) {
      use('read', key)
      return store.head(key)
    },
    put(key, body, options) {
      use('put', key)
      return store.put(key, body, options)
    },
    delete(keys) {
      for (const key of keys) use('delete', key)
      return store.delete(keys)
    },
  }
  const source = { store: watched, description: 'the database' }
  await maintain(source, { policy: AT_ONCE })
  await db.execute('INSERT INTO t VALUES (2)')
  const never = Number.POSITIVE_INFINITY
  const compactAfterMs = { 1: never, 2: never, 3: never }
  await maintain(source, { policy: { ...AT_ONCE, compactAfterMs } })
  expect([...used.put].sort()).toEqual([...MAINTENANCE_KEYS.put].sort())
  await deleteAsIfDaysLater(source, 40)
  expect(used.delete).toContain('0000/')
})
