import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Preparation } from '../src/index.ts'
import type { Job, Work } from './child.ts'
import { folderOf, type UsedHome } from './home.ts'
import { MIGRATIONS, SEED } from './preparation.ts'

const COUNTER = {
  '0001-counters.mjs': `export const up = async (db) => {
    await db.schema.createTable('counters').addColumn('id', 'integer').addColumn('value', 'integer').execute()
    await db.insertInto('counters').values({ id: 1, value: 0 }).execute()
  }`,
}

interface Counts {
  users: { id: number }
  notes: { id: number }
  counters: { id: number; value: number }
}

/** What several real processes may rely on when they use one database. */
export function processTests(home: UsedHome): void {
  test('four processes that start together migrate and seed once', async () => {
    const work = await workOn({ migrations: MIGRATIONS, seed: SEED })
    const outcomes = await together(work, Array(4).fill({ do: 'ready' }))
    const preparations = outcomes.map(({ answer }) => answer)
    const migrated = preparations.flatMap((preparation) => preparation?.migrations ?? [])
    expect(migrated).toEqual(['0001-users', '0002-notes'])
    expect(preparations.filter((preparation) => preparation?.seededRows === 2_502)).toHaveLength(1)
    await expectSeededOnce(work)
  })

  test('a process that is killed between migrating and seeding leaves the seed to the others', async () => {
    const work = await workOn({ migrations: MIGRATIONS, seed: SEED })
    const [dead] = await together(work, [{ do: 'migrate and die' }])
    expect(dead).toEqual({ signal: 'SIGKILL', answer: null })
    const outcomes = await together(work, Array(2).fill({ do: 'ready' }))
    expect(outcomes.map(({ answer }) => answer?.seededRows).toSorted()).toEqual([2_502, null])
    await expectSeededOnce(work)
  })

  test('four processes apply every key once, and every other transaction too', async () => {
    const work = await workOn({ migrations: COUNTER, seed: {} })
    const keys = Array.from({ length: 10 }, (_, index) => `key ${index}`)
    await together(work, Array(4).fill({ do: 'count', keys, plain: 5 }))
    const db = await home.connect<Counts>({ url: work.url })
    expect(await db.selectFrom('counters').selectAll().execute()).toEqual([{ id: 1, value: 10 + 4 * 5 }])
  })

  async function workOn(folders: { migrations: Record<string, string>; seed: Record<string, string> }) {
    return {
      url: await home.url(),
      env: await home.env(),
      migrations: await folderOf(folders.migrations),
      seed: await folderOf(folders.seed),
    }
  }

  async function expectSeededOnce({ url }: { url: string }) {
    const db = await home.connect<Counts>({ url })
    expect(await db.selectFrom('users').select('id').execute()).toHaveLength(2)
    expect(await db.selectFrom('notes').select('id').execute()).toHaveLength(2_500)
  }
}

interface Outcome {
  readonly signal: NodeJS.Signals | null
  readonly answer: Preparation | null
}

/** Runs each job in a process of its own; all begin at the same moment. */
async function together(work: Omit<Work, 'job'>, jobs: Job[]): Promise<Outcome[]> {
  const started = jobs.map((job) => start({ ...work, job }))
  try {
    await Promise.all(started.map(({ loaded }) => loaded))
    for (const { child } of started) child.stdin?.write('go\n')
    return await Promise.all(started.map(({ outcome }) => outcome))
  } finally {
    for (const { child } of started) child.kill('SIGKILL')
  }
}

function start(work: Work): { child: ChildProcess; loaded: Promise<unknown>; outcome: Promise<Outcome> } {
  const path = fileURLToPath(new URL('./child.ts', import.meta.url))
  const child = spawn(process.execPath, [path, JSON.stringify(work)], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines: string[] = []
  let errors = ''
  const reader = createInterface({ input: child.stdout })
  const loaded = Promise.race([once(reader, 'line'), once(child, 'close')])
  reader.on('line', (line) => lines.push(line))
  child.stderr.on('data', (data) => {
    errors += data
  })
  const outcome = once(child, 'close').then(([code, signal]): Outcome => {
    if (signal === null && code !== 0)
      throw new Error(`${JSON.stringify(work.job)} ended with ${code}: ${errors}`)
    return { signal, answer: lines[1] === undefined ? null : JSON.parse(lines[1]) }
  })
  return { child, loaded, outcome }
}
