import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ownDirectory } from './directory.ts'

const module = new URL('./directory.ts', import.meta.url).href

test('a directory lives as long as its process, and the next one removes it', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'thaw-own-'))
  const script = `
    import { ownDirectory } from ${JSON.stringify(module)}
    console.log(ownDirectory(${JSON.stringify(parent)}, Date.now()).path)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = await once(child.stdout, 'data')
    const theirs = String(line).trim()
    writeFileSync(join(theirs, 'replica.db'), 'half a restore')

    const mine = ownDirectory(parent, Date.now())
    expect(existsSync(theirs)).toBe(true)

    child.kill('SIGKILL')
    await once(child, 'exit')
    const next = ownDirectory(parent, Date.now())
    expect(existsSync(theirs)).toBe(false)
    expect(existsSync(mine.path)).toBe(true)

    mine.release()
    next.release()
    expect(readdirSync(parent)).toEqual([])
  } finally {
    child.kill('SIGKILL')
    rmSync(parent, { recursive: true, force: true })
  }
})
