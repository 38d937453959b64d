import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { openStore } from '@thaw/store'
import { expect, onTestFinished, test } from 'vitest'
import { open, rows, temporaryDirectory } from '../../test/kit.ts'
import { persistOnSignals } from './signals.ts'

const program = fileURLToPath(new URL('../../test/write-behind-process.ts', import.meta.url))

interface Life {
  /** How it ended. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Copies that it left. */
  readonly copies: readonly string[]
  /** What the next process finds. */
  readonly rows: unknown[]
  /** Copies that are there then. */
  readonly copiesAfter: readonly string[]
}

interface Way {
  readonly signals?: boolean
  readonly otherHandler?: boolean
  readonly stays: boolean
}

/** Runs a process that has acknowledged a row, ends it, and opens the database anew in the same directory. */
async function live(way: Way, end: NodeJS.Signals | null): Promise<Life> {
  const directory = temporaryDirectory()
  const url = pathToFileURL(temporaryDirectory()).href
  const child = spawn(process.execPath, [program, JSON.stringify({ url, directory, ...way })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), ended])
  if (end) child.kill(end)
  const [code, signal] = await ended
  const copies = readdirSync(directory)
  const db = await open({ store: openStore(url, {}), directory })
  return {
    code,
    signal,
    copies,
    rows: await rows(db, 'SELECT v FROM t'),
    copiesAfter: readdirSync(directory),
  }
}

const persisted = { v: 'persisted' }
const acknowledged = { v: 'acknowledged' }

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: persists, then ends as the signal would have ended it',
  async (end) => {
    const life = await live({ signals: true, stays: true }, end)
    expect(life).toMatchObject({ code: null, signal: end, rows: [persisted, acknowledged] })
  },
)

test('where somebody else handles the signal, ending is left to them', async () => {
  const life = await live({ signals: true, otherHandler: true, stays: true }, 'SIGTERM')
  expect(life).toMatchObject({ code: 7, signal: null, rows: [persisted, acknowledged] })
})

test('nobody handles signals unasked', async () => {
  const life = await live({ stays: true }, 'SIGTERM')
  expect(life).toMatchObject({ signal: 'SIGTERM', rows: [persisted] })
})

test('a process that is killed leaves nothing that the next one trusts', async () => {
  const life = await live({ signals: true, stays: true }, 'SIGKILL')
  expect(life).toMatchObject({ signal: 'SIGKILL', rows: [persisted] })
  expect(life.copies).toHaveLength(1)
  expect(life.copiesAfter).toHaveLength(1)
  expect(life.copiesAfter).not.toEqual(life.copies)
})

test('a timer that is armed does not keep the process alive', async () => {
  const life = await live({ stays: false }, null)
  expect(life).toMatchObject({ code: 0, rows: [persisted] })
})

test('handlers come and go without touching others', async () => {
  const before = process.listeners('SIGTERM')
  const remove = persistOnSignals([], { signals: ['SIGTERM'] })
  expect(process.listeners('SIGTERM')).toHaveLength(before.length + 1)
  remove()
  expect(process.listeners('SIGTERM')).toEqual(before)
})
