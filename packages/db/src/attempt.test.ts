import { expect, test } from 'vitest'
import { Attempt } from './attempt.ts'

function counted() {
  let count = 0
  const attempt = new Attempt(async () => {
    count++
    if (count < 3) throw new Error(`failure ${count}`)
    return count
  })
  return { attempt, count: () => count }
}

test('keeps a failure for the first who asks, and is then made anew', async () => {
  const { attempt, count } = counted()
  attempt.start()
  attempt.start()
  expect(await attempt.settled()).toBeNull()
  expect(count()).toBe(1)
  await expect(attempt.get()).rejects.toThrow('failure 1')
  expect(count()).toBe(1)
  await expect(Promise.all([attempt.get(), attempt.get()])).rejects.toThrow('failure 2')
  expect(await attempt.get()).toBe(3)
  expect(await attempt.get()).toBe(3)
  expect(await attempt.settled()).toBe(3)
  expect(count()).toBe(3)
})

test('is not made by looking at it', async () => {
  const { attempt, count } = counted()
  expect(await attempt.settled()).toBeNull()
  expect(count()).toBe(0)
})
