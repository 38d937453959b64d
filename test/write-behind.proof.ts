import { expect, test } from 'vitest'
import { describeLoss, killWriteBehind } from './write-behind.ts'

test('persisting after ten writes, an environment that is killed sixty times loses fewer than ten a kill', async () => {
  const loss = await killWriteBehind(60, 'writes=10&interval=off')
  console.log(describeLoss('writes=10', loss))
  expect(loss.acknowledged).toBeGreaterThan(5 * loss.kills)
  // Where nothing at all is lost, nothing was shown.
  expect(Math.max(...loss.lost)).toBeGreaterThan(0)
  for (const lost of loss.lost) expect(lost).toBeLessThan(10)
}, 600_000)

test('persisting after every write, it loses nothing', async () => {
  const loss = await killWriteBehind(30, 'writes=1&interval=off')
  console.log(describeLoss('writes=1', loss))
  expect(loss.lost.every((lost) => lost === 0)).toBe(true)
}, 600_000)

test('persisting after a second, it loses what a second brings, and is left with the beginning of each life', async () => {
  const loss = await killWriteBehind(30, 'writes=off&interval=1')
  console.log(describeLoss('interval=1', loss))
  expect(loss.acknowledged).toBeGreaterThan(loss.kills)
}, 600_000)
