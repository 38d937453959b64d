import { expect, test } from 'vitest'
import { describeLoss, killWriteBehind } from './write-behind.ts'

test('persisting after ten writes, an environment that is killed forty times loses fewer than ten a kill', async () => {
  const loss = await killWriteBehind(40, 'writes=10&interval=off')
  console.log(describeLoss('writes=10', loss))
  expect(loss.acknowledged).toBeGreaterThan(5 * loss.kills)
  // Where nothing at all is lost, nothing was shown.
  expect(loss.lost).toBeGreaterThan(0)
  for (const lost of loss.lostByLife) expect(lost).toBeLessThan(10)
}, 600_000)

test('persisting after every write, it loses nothing', async () => {
  const loss = await killWriteBehind(20, 'writes=1&interval=off')
  console.log(describeLoss('writes=1', loss))
  expect(loss.lost).toBe(0)
}, 600_000)

test('persisting after a second, it loses what a second brings, and is left with the beginning of each life', async () => {
  const loss = await killWriteBehind(20, 'writes=off&interval=1')
  console.log(describeLoss('interval=1', loss))
  expect(loss.acknowledged).toBeGreaterThan(loss.kills)
}, 600_000)
