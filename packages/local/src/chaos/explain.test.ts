import { expect, test } from 'vitest'
import type { Fault, Trouble } from './attempt.ts'
import { explain } from './explain.ts'

const at = { environmentId: 'api#3', atMs: 12_300 }
const kill: Fault = { ...at, kind: 'kill', state: 'busy', storm: false, lostMs: 0 }
const starting: Fault = { ...kill, state: 'starting', lostMs: 2600 }
const frozen: Fault = { ...at, kind: 'freeze', ms: 3000, cut: 2 }
const bucket = (method: string, fault: (Fault & { kind: 'bucket' })['fault']): Fault => {
  return { ...at, kind: 'bucket', request: `${method} b/k`, write: method === 'PUT', fault }
}
const unavailable = bucket('GET', { fate: 'unavailable' })
const lostWrite = bucket('PUT', { fate: 'lost-answer' })
const slow = bucket('GET', { delayMs: 2000 })
const skewed: Fault = { ...at, kind: 'clock', request: 'GET b/k' }

const failed = (errorType: string, errorMessage: string, environmentId = 'api#3'): Trouble => {
  return { kind: 'failed', environmentId, errorType, errorMessage, durationMs: 6000 }
}
const killed = failed('Runtime.ExitError', 'RequestId: 1 Error: Runtime exited with error: signal: killed')
const timedOut = failed('Sandbox.Timedout', 'RequestId: 1 Error: Task timed out after 6.00 seconds')
const brokeOff: Trouble = { kind: 'broke-off', reason: '' }
const answered = (status: number): Trouble => ({ kind: 'answered', status })

const why = (trouble: Trouble, ...faults: Fault[]) =>
  explain(trouble, { functionName: 'api', startedMs: 0, faults })

test.each<[string, Trouble, Fault]>([
  ['a kill', killed, kill],
  ['a kill in the middle of a stream', brokeOff, { ...kill, state: 'streaming' }],
  ['a kill, seen by the end of the connection', failed('Runtime.ConnectionClosed', 'socket hang up'), kill],
  ['a pause of half of the time', timedOut, frozen],
  ['a pause, when the front did not wait', { kind: 'late', waitedMs: 4000 }, slow],
  ['starts that were cut short', { kind: 'late', waitedMs: 5000 }, starting],
  ['a bucket that failed, for a 503', answered(503), unavailable],
  ['connections that were cut, for a 503', answered(503), frozen],
  ['a wrong clock, for a 503', answered(503), skewed],
  ['the lost answer to a write, for a 500', answered(500), lostWrite],
  ['environments that were gone', { kind: 'throttled', faults: [kill] }, unavailable],
])('%s explains', (_what, trouble, fault) => {
  expect(why(trouble, fault)).toContain('api#3')
  if (trouble.kind !== 'throttled') expect(why(trouble)).toBeNull()
})

test.each<[string, Trouble, Fault[]]>([
  ['an error that the function threw, though it was killed later', failed('TypeError', 'x is null'), [kill]],
  ['an environment that ended by itself', failed('Runtime.ExitError', 'Error: exit status 1'), [kill]],
  ['a function killed for its memory', failed('Runtime.OutOfMemory', 'signal: killed'), [kill]],
  ['the kill of another environment', { ...killed, environmentId: 'api#4' } as Trouble, [kill]],
  ['a broken stream, though a start before it was killed', brokeOff, [{ ...kill, state: 'starting' }]],
  ['a time limit, of which a pause took little', { ...timedOut, durationMs: 60_000 } as Trouble, [frozen]],
  ['a 500, though the bucket failed where it can be said', answered(500), [unavailable, slow, skewed]],
  ['a 500, though a read was lost', answered(500), [bucket('GET', { fate: 'lost-answer' })]],
  ['a 503, though the bucket was only slow', answered(503), [slow]],
  ['a 501', answered(501), [unavailable, lostWrite, kill]],
  ['an answer that makes no sense', { kind: 'refused', reason: 'malformed' }, [kill, unavailable]],
  ['a throttled one without a shortage', { kind: 'throttled', faults: [] }, [kill]],
])('nothing explains %s', (_what, trouble, faults) => {
  expect(why(trouble, ...faults)).toBeNull()
})

test('says what was done, to what and when', () => {
  expect(why(killed, kill)).toBe('api#3 was killed at 12.30 s while busy')
  expect(why(answered(503), unavailable)).toBe('the bucket answered 503 for GET b/k of api#3 at 12.30 s')
  expect(why(timedOut, frozen)).toBe(
    'api#3 was frozen at 12.30 s for 3000 ms with this request, 2 connections cut',
  )
  expect(why(answered(500), bucket('PUT', { fate: 'reset', delayMs: 40 }))).toBe(
    'the bucket took 40 ms longer and broke the connection for PUT b/k of api#3 at 12.30 s',
  )
})
