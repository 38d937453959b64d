import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { openStore } from '@thaw/store'
import { startS3Server } from '@thaw/testing'
import { expect, onTestFinished, test } from 'vitest'
import { open, rows, temporaryDirectory } from './kit.ts'

const PROCESSES = 4
const TIMES = 250
const program = fileURLToPath(new URL('./counter-process.ts', import.meta.url))

async function raiseInProcesses(url: string, env: Record<string, string>): Promise<void> {
  const directory = temporaryDirectory()
  const one = () =>
    promisify(execFile)(process.execPath, [program, JSON.stringify({ url, env, times: TIMES, directory })])
  await Promise.all(Array.from({ length: PROCESSES }, one))
  expect(readdirSync(directory)).toEqual([])
}

test('four processes raise one counter in a folder 250 times each: exactly 1,000', async () => {
  const url = pathToFileURL(temporaryDirectory()).href
  await raiseInProcesses(url, {})
  const db = await open({ store: await openStore(url, {}) })
  expect(await rows(db, 'SELECT n FROM counter')).toEqual([{ n: PROCESSES * TIMES }])
}, 120_000)

test('four processes raise one counter in a bucket 250 times each: exactly 1,000', async () => {
  const server = await startS3Server()
  onTestFinished(() => server.close())
  await raiseInProcesses(server.url, server.env)
  const db = await open({ store: await openStore(server.url, server.env) })
  expect(await rows(db, 'SELECT n FROM counter')).toEqual([{ n: PROCESSES * TIMES }])
}, 120_000)
