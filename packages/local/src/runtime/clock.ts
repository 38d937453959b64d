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
