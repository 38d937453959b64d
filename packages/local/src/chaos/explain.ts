import type { Attempt, Fault, Trouble } from './attempt.ts'

/**
 * Which fault is to blame for what a client got; null when none is. Only faults of this very invocation count, and
 * only those that can have such an effect:
 *
 * - an invocation that failed because its process was killed: by the kill of its environment;
 * - one that took too long: by pauses, delays and starts cut short by a kill that took at least half of the time;
 * - a broken stream: by a kill of what had begun with it, not by one of a start before that;
 * - 502, 503 and 504 of the function's own: by requests to the bucket that failed, or by connections that were cut;
 * - 500 of its own: by a *write* to the bucket whose answer was lost, which nobody can make good. Everything else that
 *   befalls a bucket an application can say, so a 500 is a fault of its own;
 * - a throttled one: by environments of its function that were killed or stopped just then.
 */
export function explain(trouble: Trouble, { faults }: Attempt): string | null {
  switch (trouble.kind) {
    case 'failed':
      if (trouble.errorType === 'Sandbox.Timedout') return slowed(faults, trouble.durationMs)
      if (!isKill(trouble)) return null
      return describeFirst(faults, (f) => f.kind === 'kill' && f.environmentId === trouble.environmentId)
    case 'broke-off':
      return describeFirst(faults, (fault) => fault.kind === 'kill' && fault.state !== 'starting')
    case 'late':
      return slowed(faults, trouble.waitedMs)
    case 'answered':
      if (trouble.status === 500) return describeFirst(faults, leavesWriteUnknown)
      if (trouble.status < 502 || trouble.status > 504) return null
      return describeFirst(faults, keepsFromBucket)
    case 'throttled':
      return describeFirst(trouble.faults, () => true)
    case 'refused':
      return null
  }
}

/** The end of a server may be seen by the end of its connections alone. */
function isKill({ errorType, errorMessage }: Trouble & { readonly kind: 'failed' }): boolean {
  if (errorType === 'Runtime.ConnectionClosed') return true
  return errorType === 'Runtime.ExitError' && /signal: killed$/.test(errorMessage)
}

function describeFirst(faults: readonly Fault[], blames: (fault: Fault) => boolean): string | null {
  const found = faults.find(blames)
  return found === undefined ? null : describeFault(found)
}

function keepsFromBucket(fault: Fault): boolean {
  if (fault.kind === 'bucket') return fault.fault.fate !== undefined
  return fault.kind === 'clock' || (fault.kind === 'freeze' && fault.cut > 0)
}

function leavesWriteUnknown(fault: Fault): boolean {
  if (fault.kind === 'freeze') return fault.cut > 0
  if (fault.kind !== 'bucket' || !fault.write) return false
  return fault.fault.fate === 'lost-answer' || fault.fault.fate === 'reset'
}

function slowed(faults: readonly Fault[], tookMs: number): string | null {
  const slow = faults.filter((fault) => lostMs(fault) > 0)
  const lost = slow.reduce((sum, fault) => sum + lostMs(fault), 0)
  return lost >= tookMs / 2 ? slow.map(describeFault).join('; ') : null
}

function lostMs(fault: Fault): number {
  if (fault.kind === 'freeze') return fault.ms
  if (fault.kind === 'kill') return fault.lostMs
  return fault.kind === 'bucket' ? (fault.fault.delayMs ?? 0) : 0
}

const fates = {
  unavailable: 'answered 503',
  reset: 'broke the connection',
  'lost-answer': 'did it, and its answer was lost',
}

/** One fault in words: `api#3 was killed at 12.30 s while busy`. */
export function describeFault(fault: Fault): string {
  const { environmentId, atMs } = fault
  const at = `at ${(atMs / 1000).toFixed(2)} s`
  switch (fault.kind) {
    case 'kill':
      return `${environmentId} was killed ${at} while ${fault.state}${fault.storm ? ', with all others' : ''}`
    case 'freeze':
      return `${environmentId} was frozen ${at}${fault.ms > 0 ? ` for ${Math.round(fault.ms)} ms with this request` : ' between requests'}, ${fault.cut} connections cut`
    case 'clock':
      return `the bucket refused ${fault.request} of ${environmentId} ${at}, whose clock was wrong`
    case 'bucket': {
      const { delayMs, fate } = fault.fault
      const slow = delayMs === undefined ? '' : `took ${Math.round(delayMs)} ms longer`
      const what = [slow, fate === undefined ? '' : fates[fate]].filter((part) => part !== '').join(' and ')
      return `the bucket ${what} for ${fault.request} of ${environmentId} ${at}`
    }
  }
}
