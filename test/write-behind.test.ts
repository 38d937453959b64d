import { expect, test } from 'vitest'
import { describeLoss, killWriteBehind } from './write-behind.ts'

test('write-behind loses no more than its threshold when its environment is killed', async () => {
  const loss = await killWriteBehind(6, 'writes=4&interval=off')
  console.log(describeLoss('writes=4', loss))
  expect(loss.acknowledged).toBeGreaterThan(6)
  for (const lost of loss.lostByLife) expect(lost).toBeLessThan(4)
})
