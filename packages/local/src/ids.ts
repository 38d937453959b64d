import { randomFillSync } from 'node:crypto'

/** An X-Ray trace id: `Root=1-5eb33c07-de25b420912dee103a5db434`. */
export function makeTraceId(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000).toString(16)
  return `Root=1-${seconds.padStart(8, '0')}-${random(12).toString('hex')}`
}

/** An id as API Gateway gives to a request: `MIZRNhJtIAMEMDw=`. */
export function makeGatewayId(): string {
  return random(11).toString('base64url').concat('=')
}

/** Randomness is asked for in large pieces: the system takes as long for a few bytes. */
const pool = Buffer.allocUnsafeSlow(4096)
let used = pool.length

function random(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.subarray(used - bytes, used)
}
