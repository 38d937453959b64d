import { expect, test } from 'vitest'
import { BusyError } from '../errors.ts'
import { Lock } from './lock.ts'

test('lets one in at a time, in the order of arrival', async () => {
  const lock = new Lock()
  const inside: string[] = []
  const enter = async (name: string) => {
    await lock.lock('it', 10_000)
    inside.push(`${name} in`)
    await new Promise((resolve) => setImmediate(resolve))
    inside.push(`${name} out`)
    lock.unlock()
  }
  await Promise.all(['a', 'b', 'c'].map(enter))
  expect(inside).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
})

test('who gives up leaves the others their turn', async () => {
  const lock = new Lock()
  await lock.lock('it', 1)
  await expect(lock.lock('the connection', 1)).rejects.toThrow(BusyError)
  const controller = new AbortController()
  const aborted = lock.lock('it', 10_000, controller.signal)
  const patient = lock.lock('it', 10_000)
  controller.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await expect(lock.lock('it', 10_000, controller.signal)).rejects.toThrow('enough')
  lock.unlock()
  await patient
})
