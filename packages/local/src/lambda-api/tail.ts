import type { Log } from '../log.ts'

/** Lambda gives the end of a log, no more. */
const tailBytes = 4096

/** How long the last line of an invocation may come after its answer. */
const lateMs = 200

/** The log, and what single invocations add to it. */
export interface Tails {
  /** Passes every line on. */
  readonly log: Log
  /** Collects what is said from the START of an invocation to its REPORT. To be asked for before it begins. */
  follow(requestId: string): Tail
}

export interface Tail {
  /** The last 4 KB, without the names of environments; waits a moment for the REPORT. */
  end(): Promise<Buffer>
  /** Collects no more: whoever asked has gone. */
  drop(): void
}

interface Followed {
  readonly requestId: string
  readonly lines: string[]
  /** `api#1 | `, once it has started. */
  prefix: string | null
  readonly reported: PromiseWithResolvers<void>
}

export function createTails(log: Log): Tails {
  const followed = new Set<Followed>()

  function hear(line: string): void {
    for (const tail of followed) {
      const { requestId } = tail
      const bar = line.indexOf(' | ')
      if (bar < 0) continue
      const text = line.slice(bar + 3)
      if (text.startsWith(`START RequestId: ${requestId}`)) tail.prefix = line.slice(0, bar + 3)
      if (tail.prefix === null || !line.startsWith(tail.prefix)) continue
      tail.lines.push(text)
      if (text.startsWith(`REPORT RequestId: ${requestId}`)) tail.reported.resolve()
    }
  }

  return {
    log: (line, kind) => {
      log(line, kind)
      if (followed.size > 0) hear(line)
    },
    follow(requestId) {
      const tail: Followed = { requestId, lines: [], prefix: null, reported: Promise.withResolvers() }
      followed.add(tail)
      return {
        drop: () => void followed.delete(tail),
        async end() {
          const timer = setTimeout(tail.reported.resolve, lateMs)
          await tail.reported.promise
          clearTimeout(timer)
          followed.delete(tail)
          return Buffer.from(tail.lines.map((line) => `${line}\n`).join('')).subarray(-tailBytes)
        },
      }
    },
  }
}
