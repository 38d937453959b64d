import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'
import { type ObjectStore, openStore } from '../src/index.ts'

interface Report {
  readonly stored: number
  readonly pid: number
}

/** 20 rounds, in each of which four processes with eight puts each create one name: one put is accepted. */
export async function raceOfProcesses(
  url: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const all = { ...process.env, ...env }
  const store = openStore(url, all)
  const racers: ChildProcess[] = []
  try {
    for (let i = 0; i < 4; i++) racers.push(fork(new URL('./racer.ts', import.meta.url), [url], { env: all }))
    await Promise.all(racers.map((racer) => once(racer, 'message')))
    for (let round = 0; round < 20; round++) await raceOnce(racers, store, `processes/${round}`)
  } finally {
    const gone = racers.map((racer) => once(racer, 'exit'))
    for (const racer of racers) racer.disconnect()
    await Promise.all(gone)
    await store.close()
  }
}

async function raceOnce(racers: readonly ChildProcess[], store: ObjectStore, key: string): Promise<void> {
  const answers = racers.map((racer) => once(racer, 'message'))
  for (const racer of racers) racer.send({ key, puts: 8 })
  const reports = (await Promise.all(answers)).map(([report]) => report as Report)
  const winners = reports.filter(({ stored }) => stored > 0)
  expect(reports.reduce((sum, { stored }) => sum + stored, 0)).toBe(1)
  const object = await store.get(key)
  expect(Buffer.from(object?.body ?? []).toString()).toBe(String(winners[0]?.pid))
}
