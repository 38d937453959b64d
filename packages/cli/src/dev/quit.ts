/** Waits for the user to have enough. */
export interface Quit {
  /**
   * Resolves to the exit code: 0 for `q` and SIGTERM, 130 for Ctrl-C, 129 when the terminal was closed, 141 when nobody
   * reads what is printed any more.
   */
  readonly wanted: Promise<number>
  close(): void
}

/**
 * Listens for Ctrl-C, SIGTERM, the end of the terminal and, in one, the key `q`. Who asks a second time does not want
 * to wait: the process ends at once.
 */
export function listenForQuit(): Quit {
  const { promise, resolve } = Promise.withResolvers<number>()
  let asked = false
  /** What the user does counts again and again; what happens to the terminal comes in several ways at once. */
  const quit = (code: number) => {
    if (asked) process.exit(code)
    end(code)
  }
  const end = (code: number) => {
    asked = true
    resolve(code)
  }
  const signals: Readonly<Record<string, () => void>> = {
    SIGINT: () => quit(130),
    SIGTERM: () => quit(0),
    SIGHUP: () => end(129),
  }
  for (const [name, listener] of Object.entries(signals)) process.on(name, listener)

  // Without these the first line that is printed after the terminal was closed would end the process as it stands.
  const onOutputError = ({ code }: NodeJS.ErrnoException) => end(code === 'EPIPE' ? 141 : 129)
  const onInputEnd = () => end(129)
  const { stdin, stdout, stderr } = process
  for (const stream of [stdout, stderr]) stream.on('error', onOutputError)

  const onKey = (key: Buffer) => {
    if (key.includes('q')) quit(0)
    else if (key.includes('\u0003')) quit(130)
  }
  if (stdin.isTTY) stdin.setRawMode(true).on('data', onKey).on('error', onInputEnd).on('end', onInputEnd)
  return {
    wanted: promise,
    close() {
      for (const [name, listener] of Object.entries(signals)) process.off(name, listener)
      // What cannot be printed now cannot be printed later either: those of the output stay.
      if (!stdin.isTTY) return
      stdin.off('data', onKey).pause()
      try {
        stdin.setRawMode(false)
      } catch {
        // The terminal is gone.
      }
    },
  }
}
