/**
 * Cleans up behind a simulator that was killed: a frozen or looping environment cannot notice that by itself.
 *
 * Reads `+PID` and `-PID`, one a line; each PID leads a process group. When the input ends, the groups still
 * listed are killed and the folder given as the first argument is removed.
 */
import { rmSync } from 'node:fs'

const directory = process.argv[2]
if (directory === undefined) throw new Error('usage: reaper DIRECTORY')

const groups = new Set<number>()
let rest = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const pid = Number(line.slice(1))
    if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`'${line}' names no process`)
    if (line.startsWith('+')) groups.add(pid)
    else groups.delete(pid)
  }
})
process.stdin.on('end', () => {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
})
