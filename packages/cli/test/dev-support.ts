import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { makeProjectBeside } from '@thaw/testing'
import { expect, vi } from 'vitest'

export const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const guestbook = fileURLToPath(new URL('../../../apps/guestbook', import.meta.url))

/** For `expect.poll`: machines can be busy. */
export const patient = { timeout: 20_000, interval: 20 }

/** It may have packages to build first. */
const startPatience = { ...patient, timeout: 60_000 }

/** A folder in the repository, where packages can be imported, that git does not see. */
export const makeProject = (files?: Readonly<Record<string, string>>) =>
  makeProjectBeside(import.meta.url, files)

/** A guestbook of its own. */
export async function makeGuestbook() {
  const project = await makeProject()
  const filter = (path: string) => !path.includes('.thaw', guestbook.length)
  await cp(guestbook, project.root, { recursive: true, filter })
  return project
}

export interface Dev {
  readonly process: ChildProcess
  readonly exited: Promise<unknown[]>
  readonly url: string
  printed(): string
  /** The first group of the first match in what was printed, or will be, from `from` on. */
  find(pattern: RegExp, from?: number): Promise<string>
  end(): Promise<unknown>
}

/** `thaw dev` in a process of its own, when it runs. */
export async function dev(root: string, ...args: readonly string[]): Promise<Dev> {
  const child = spawn(process.execPath, [main, 'dev', root, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  }
  const find = async (pattern: RegExp, from = 0, patience = patient) => {
    // Not `expect.poll`, which hooks cannot use.
    await vi.waitFor(() => expect(printed.slice(from)).toMatch(pattern), patience)
    return pattern.exec(printed.slice(from))?.[1] ?? ''
  }
  const end = async () => {
    child.kill('SIGTERM')
    return await exited
  }
  try {
    const url = await find(/ is at (http:\S+)\n[\s\S]*Ctrl-C ends it/, 0, startPatience)
    return { process: child, exited, url, printed: () => printed, find, end }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}
