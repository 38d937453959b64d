/** Waits for the user to have enough. */
export interface Quit {
  /** Resolves to the exit code: 0 for `q` and SIGTERM, 130 for Ctrl-C. */
  readonly wanted: Promise<number>
  close(): void
}

/**
 * Listens for Ctrl-C, SIGTERM and, in a terminal, the key `q`. Who asks a second time does not want to wait: the
 * process ends at once.
 */
export function listenForQuit(): Quit {
  const { promise, resolve } = Promise.withResolvers<number>()
  let asked = false
  const quit = (code: number) => {
    if (asked) process.exit(code)
    asked = true
    resolve(code)
  }
  const onInterrupt = () => quit(130)
  const onTerminate = () => quit(0)
  const onKey = (key: Buffer) => {
    if (key.includes('q')) quit(0)
    if (key.includes('\u0003')) quit(130)
  }
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  const { stdin } = process
  if (stdin.isTTY) stdin.setRawMode(true).on('data', onKey)
  return {
    wanted: promise,
    close() {
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', onTerminate)
      if (stdin.isTTY) stdin.setRawMode(false).off('data', onKey).pause()
    },
  }
}
