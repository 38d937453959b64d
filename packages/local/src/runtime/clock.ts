/**
 * A wall clock that can be put wrong, as a microVM's is for a while after it was thawed. What is monotonic
 * (`performance.now`, timers) stands still in a frozen microVM, and is left alone. It has to be in place before the
 * function's code is loaded, which may keep `Date.now`. Gives what puts it wrong.
 */
export function installClock(): (offsetMs: number, forMs: number | null) => void {
  const System = Date
  const systemNow = System.now
  let offset = 0
  let rightAt = Number.POSITIVE_INFINITY
  const now = () => systemNow() + (performance.now() < rightAt ? offset : 0)
  System.now = now
  globalThis.Date = new Proxy(System, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    apply: (target) => new target(now()).toString(),
  })
  System.prototype.constructor = globalThis.Date
  return (offsetMs, forMs) => {
    offset = offsetMs
    rightAt = forMs === null ? Number.POSITIVE_INFINITY : performance.now() + forMs
  }
}

/**
 * Puts a clock wrong as the simulator says through a file descriptor, `{"offsetMs": …, "forMs": …}` a line: for a process
 * that asks for nothing by which it could be told.
 */
export function followClock(fd: number, shift: ReturnType<typeof installClock>): void {
  const { Socket } = process.getBuiltinModule('node:net')
  const ear = new Socket({ fd, readable: true, writable: false })
  let rest = ''
  ear.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const { offsetMs, forMs } = JSON.parse(line)
      shift(offsetMs, forMs)
    }
  })
  // It does not keep a process that has nothing else to do.
  ear.unref()
}
