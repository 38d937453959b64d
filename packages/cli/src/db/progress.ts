import { formatBytes } from '@thaw/deploy'
import type { Progress } from '@thaw/sqlite'

const TOLD_EVERY_MS = 100
/** To the beginning of the line above, and away with what is there. */
const REWRITE = '\u001b[1A\r\u001b[K'

/** Tells what takes long, where somebody sits before a terminal; nothing elsewhere. */
export function progressOn(): Progress | undefined {
  return process.stderr.isTTY ? terminalProgress((text) => void process.stderr.write(text)) : undefined
}

/** A line for each step, which is written anew while it advances, ten times a second at most. */
export function terminalProgress(write: (text: string) => void, now: () => number = Date.now): Progress {
  let line = ''
  let toldAt = Number.NEGATIVE_INFINITY
  return (step, amount) => {
    if (step !== line) {
      write(`${step} …\n`)
      line = step
      toldAt = Number.NEGATIVE_INFINITY
    }
    if (!amount) return
    const { done, total } = amount
    if (done < total && now() - toldAt < TOLD_EVERY_MS) return
    toldAt = now()
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
    write(`${REWRITE}${step} … ${percent} % of ${formatBytes(total)}\n`)
  }
}
