import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { openSqlite } from '@thaw/sqlite'
import { folderStore, type ObjectStore, openStore } from '@thaw/store'
import { startS3Server } from '@thaw/testing'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { runCli } from '../src/cli.ts'
import { commands } from '../src/table.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
let root: string
let url: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thaw-cli-change-'))
  url = `sqlite+${pathToFileURL(join(root, 'shop')).href}`
  mkdirSync(join(root, 'tmp'))
  await fill(folderStore(join(root, 'shop')))
})
afterEach(() => rm(root, { recursive: true }))

/** Transactions 1 to 4; the last three add the values 2, 3, 4. */
async function fill(store: ObjectStore): Promise<void> {
  const database = await openSqlite({ store })
  try {
    await database.execute('CREATE TABLE t(a INTEGER)')
    for (let a = 2; a <= 4; a++) await database.execute('INSERT INTO t VALUES (?)', [a])
  } finally {
    await database.close()
  }
}

/** What the database holds, for anybody who opens it. */
async function values(): Promise<unknown[]> {
  const database = await openSqlite({ store: folderStore(join(root, 'shop')) })
  try {
    return (await database.execute('SELECT a FROM t ORDER BY a')).rows.map(({ a }) => a)
  } finally {
    await database.close()
  }
}

function environment(more: Record<string, string> = {}): Record<string, string | undefined> {
  const { DATABASE_URL: _, ...inherited } = process.env
  return { ...inherited, DATABASE_URL: url, TMPDIR: join(root, 'tmp'), ...more }
}

/** Runs `thaw db …` in a process of its own, without a terminal. */
function db(...args: string[]) {
  return new Promise<{ code: number; out: string; err: string }>((resolve, reject) => {
    const options = { cwd: root, env: environment() }
    execFile(process.execPath, [main, 'db', ...args], options, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

test('restore: told by a dry run, done with --yes, undone as it says', async () => {
  const dry = await db('restore', '--at', '2', '--dry-run')
  expect(dry).toMatchObject({ code: 0, err: '' })
  expect(dry.out).toMatch(
    /: 1 page of 4096 bytes differs from transaction 4; 8.0 KB becomes 8.0 KB; .* to send\n/,
  )
  expect(dry.out).toContain('nothing was changed\n')
  expect(await values()).toEqual([2, 3, 4])

  const done = await db('restore', '--at', '2', '--yes')
  expect(done).toMatchObject({ code: 0, err: '' })
  expect(done.out).toMatch(
    /: transaction 5, 1 page of 4096 bytes differs, .* sent\nto undo it: thaw db restore --at 4\n$/,
  )
  expect(await values()).toEqual([2])
  const again = await db('restore', '--at', '2', '--yes')
  expect(again.out).toBe(`${url}: nothing differs from transaction 5, and nothing was changed\n`)
  const undone = await db('restore', '--at', '4', '--yes', '--json')
  expect(JSON.parse(undone.out)).toMatchObject({ database: url, to: 4, before: 5, txid: 6, pages: 1 })
  expect(await values()).toEqual([2, 3, 4])
})

test('import takes a file that is kept whole in a bucket, by its URL', async () => {
  await db('export', 'old file.db')
  const from = pathToFileURL(join(root, 'old file.db')).href
  const into = ['--url', `sqlite+${pathToFileURL(join(root, 'new')).href}`]
  expect(await db('import', from, ...into)).toMatchObject({ code: 0, err: '' })
  expect((await db('status', ...into)).out).toContain(`adopted        ${from}, `)
  expect((await db('export', 'new.db', ...into)).out).toContain('transaction 1 of ')
  expect((await db('import', from, ...into)).err).toMatch(/^DATABASE_EXISTS: /)
  const whole = await db('status', '--url', `sqlite+${from}`)
  expect(whole.out).toBe(
    `sqlite+${from}\n  holds no database yet\n  but ${from} is an SQLite file that is kept whole: thaw db import adopts it\n`,
  )
  const missing = await db('import', `${from}x`, '--url', `sqlite+${pathToFileURL(join(root, 'newer')).href}`)
  expect(missing).toMatchObject({ code: 1, out: '', err: `FILE_NOT_FOUND: there is no object ${from}x\n` })
})

test('two restores at once: one history, and the state that both wanted', async () => {
  const both = await Promise.all([
    db('restore', '--at', '3', '-y', '--json'),
    db('restore', '--at', '3', '-y', '--json'),
  ])
  const txids = both.map(({ code, out }) => ({ code, txid: JSON.parse(out).txid }))
  expect(txids).toHaveLength(2)
  expect(txids).toContainEqual({ code: 0, txid: 5 })
  expect(txids).toContainEqual({ code: 0, txid: null })
  expect(await values()).toEqual([2, 3])
})

test('pull, change, push; who was overtaken is told, and --force takes a yes', async () => {
  expect((await db('pull')).out).toMatch(/\/shop\.sqlite: transaction 4 of /)
  const local = new DatabaseSync(join(root, 'shop.sqlite'))
  local.exec('INSERT INTO t VALUES (50)')
  const push = await db('push')
  expect(push).toMatchObject({ code: 0, err: '' })
  expect(push.out).toContain(': transaction 5, 1 page of 4096 bytes differs')
  local.exec('INSERT INTO t VALUES (60)')
  local.close()
  await db('restore', '--at', '2', '--yes')
  const overtaken = await db('push', 'shop.sqlite')
  expect(overtaken).toMatchObject({ code: 1, out: '' })
  expect(overtaken.err).toMatch(/^DATABASE_MOVED: .* no longer at transaction 5: it is at transaction 6/)
  const unasked = await db('push', '--force')
  expect(unasked).toMatchObject({ code: 2, out: '' })
  expect(unasked.err).toContain('There is no terminal to ask at: add --yes')
  expect(await values()).toEqual([2])
  expect((await db('push', '--force', '--yes')).code).toBe(0)
  expect(await values()).toEqual([2, 3, 4, 50, 60])
  expect((await db('pull')).out).toContain('transaction 7 of ')
  expect(readdirSync(root).sort()).toEqual(['shop', 'shop.sqlite', 'shop.sqlite.thaw', 'tmp'])
})

test.each([
  [['restore'], 2, 'To when? Usage: thaw db restore --at'],
  [['restore', '--at', '2'], 2, 'There is no terminal to ask at: add --yes'],
  [['restore', '--at', 'yesterday', '--yes'], 2, '--at takes a time with its zone'],
  [['restore', '2', '--yes'], 2, "'2' is one argument too many"],
  [['restore', '--at', '9', '--yes'], 1, 'NO_RESTORE_POINT: '],
  [['restore', '--at', '1', '--yes', '--url', 'sqlite+file:///nowhere/at/all'], 1, 'DATABASE_EMPTY: '],
  [['pull', '--url', 'sqlite+file:///nowhere/at/all'], 1, 'DATABASE_EMPTY: '],
  [['pull', 'no/such/folder/x.db'], 1, 'NO_DIRECTORY: '],
  [['pull', ''], 2, 'The name of the file is empty'],
  [['import', 's3://bucket'], 2, 'A file in a bucket is s3://BUCKET/KEY'],
  [['import', ''], 2, 'Which file? Usage: thaw db import'],
  [['push'], 1, 'FILE_NOT_FOUND: '],
  [['push', 'shop'], 1, 'FILE_NOT_FOUND: '],
])('%j changes nothing and says why', async (args, code, message) => {
  vi.stubEnv('TMPDIR', join(root, 'tmp'))
  onTestFinished(() => void vi.unstubAllEnvs())
  const [out, err]: string[][] = [[], []]
  const io = {
    out: (line: string) => void out?.push(line),
    err: (line: string) => void err?.push(line),
    environment: { DATABASE_URL: url },
    directory: root,
  }
  expect({ code: await runCli(commands, ['db', ...args], io), out }).toEqual({ code, out: [] })
  expect(err?.join('\n')).toContain(message)
  expect(await values()).toEqual([2, 3, 4])
  expect(readdirSync(root).sort()).toEqual(['shop', 'tmp'])
  expect(readdirSync(join(root, 'tmp'))).toEqual([])
})

/** Puts a terminal before a command. */
const hasTerminal = spawnSync('script', ['--version']).status === 0

function onTerminal(args: readonly string[], typed: string) {
  const command = [process.execPath, main, 'db', ...args].join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: root, env: environment() })
  let shown = ''
  child.stdout.on('data', (bytes) => {
    const before = shown.includes('[y/N]')
    shown += String(bytes)
    if (!before && shown.includes('[y/N]')) child.stdin.write(typed)
  })
  return new Promise<{ code: number | null; shown: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, shown }))
  })
}

test.skipIf(!hasTerminal)('at a terminal it says what it is about to do, and asks', async () => {
  const no = await onTerminal(['restore', '--at', '2'], 'n\n')
  expect(no.code).toBe(1)
  expect(no.shown).toMatch(/restoring transaction 2 of .* … 100 % of \d+ B/)
  expect(no.shown).toContain('1 page of 4096 bytes differs from transaction 4; 8.0 KB becomes 8.0 KB')
  expect(no.shown).toContain('Give the database the state of 2? [y/N] ')
  expect(no.shown).toContain('nothing was changed')
  expect(await values()).toEqual([2, 3, 4])
  const interrupted = await onTerminal(['restore', '--at', '2'], '\u0003')
  expect(interrupted.code).toBe(130)
  expect(await values()).toEqual([2, 3, 4])
  const yes = await onTerminal(['restore', '--at', '2'], 'y\n')
  expect(yes).toMatchObject({ code: 0, shown: expect.stringContaining('to undo it: thaw db restore --at 4') })
  expect(await values()).toEqual([2])
  expect(readdirSync(join(root, 'tmp'))).toEqual([])
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle leaves nothing behind and nothing done',
  async (signal) => {
    // Every answer takes its time, so that the command is in the middle of its download when it has begun.
    const server = await startS3Server({ getLatencyMs: 300 })
    const running: ChildProcess[] = []
    try {
      const store = openStore(server.urlOf('shop'), server.env)
      await fill(store)
      const before = await names(store)
      url = `sqlite+${server.urlOf('shop')}`
      for (const [args, where] of [
        [['restore', '--at', '2', '--yes'], join(root, 'tmp')],
        [['export', 'out.db'], root],
        [['pull', 'out.db'], root],
      ] as const) {
        const copies = () => readdirSync(where).filter((name) => name.startsWith('thaw-'))
        const child = spawn(process.execPath, [main, 'db', ...args], {
          cwd: root,
          env: environment(server.env),
        })
        running.push(child)
        const ended = new Promise((resolve) => child.on('close', resolve))
        while (copies().length === 0) await sleep(10)
        child.kill(signal)
        expect(await ended).toBe(signal === 'SIGINT' ? 130 : 143)
        expect(copies()).toEqual([])
        expect(existsSync(join(root, 'out.db'))).toBe(false)
      }
      expect(await names(store)).toEqual(before)
      await store.close()
    } finally {
      for (const child of running) child.kill('SIGKILL')
      await server.close()
    }
  },
)

async function names(store: ObjectStore): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.list('0000/')) found.push(key)
  return found
}
