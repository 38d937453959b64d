/** What a server may do to requests that reach it. */
export interface ServerFault {
  /** Only requests of this method; all when absent. */
  readonly method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /**
   * A number: answers with this HTTP status and does nothing. `hang`: neither does nor answers. `reset`:
   * does nothing and breaks the connection. `lose-answer`: does it, then breaks the connection.
   * `truncate`: does it, and breaks the connection in the middle of the answer's body. `error-in-200`: does
   * nothing, answers 200 and says in the body that it failed, as S3 does when it joins the parts of an upload.
   */
  readonly kind: number | 'hang' | 'reset' | 'lose-answer' | 'truncate' | 'error-in-200'
  /** How many requests it befalls. Default 1. */
  readonly times?: number
}

/** The faults that are still to come, first come first served. */
export function faultQueue() {
  const planned: { fault: ServerFault; left: number }[] = []
  return {
    add(fault: ServerFault): void {
      planned.push({ fault, left: fault.times ?? 1 })
    },
    clear(): void {
      planned.length = 0
    },
    take(method: string): ServerFault['kind'] | undefined {
      const next = planned.find(({ fault, left }) => left > 0 && (fault.method ?? method) === method)
      if (!next) return undefined
      next.left--
      return next.fault.kind
    },
  }
}
