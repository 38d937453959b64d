import { expect, test } from 'vitest'
import { prove } from './processes/prove.ts'

const SECONDS = Number(process.env.THAW_SECONDS ?? 60)

test(`eight processes, killed and frozen for ${SECONDS} s before a bucket that fails: every operation is explained`, {
  timeout: 600_000,
}, async () => {
  const seed = process.env.THAW_SEED ?? String(Date.now())
  console.log(`seed ${seed} (THAW_SEED repeats what was drawn; the course of events is the machine's)`)
  // A window so short that freezes cross it.
  const open = { fenceWindowMs: 3_000, maintainEvery: 16 }
  const proven = await prove({ seed, processes: 8, seconds: SECONDS, clients: 2, open })
  console.log(JSON.stringify(proven))
  const { outcomes, kills, freezes, faults, merged, lost } = proven
  expect(lost).toBe(0)
  // They have to have hit something, or nothing was shown.
  expect(kills).toBeGreaterThan(SECONDS / 10)
  expect(freezes).toBeGreaterThan(SECONDS / 10)
  expect(outcomes.acknowledged).toBeGreaterThan(SECONDS)
  expect(outcomes.pending).toBeGreaterThan(0)
  expect(merged).toBeGreaterThan(0)
  expect(Object.keys(faults).length).toBe(6)
})

test(`one process under write-behind, killed for ${SECONDS / 2} s: what that costs`, {
  timeout: 600_000,
}, async () => {
  const seed = process.env.THAW_SEED ?? String(Date.now())
  const open = { durability: 'write-behind', writeBehind: { writes: 10 } }
  const options = { seconds: SECONDS / 2, clients: 2, longestRestMs: 2_500, killChance: 0.8, mayLose: true }
  const proven = await prove({ seed, processes: 1, open, ...options })
  console.log(`seed ${seed}`, JSON.stringify(proven))
  expect(proven.kills).toBeGreaterThan(2)
  expect(proven.lost).toBeGreaterThan(0)
})
