import { randomFillSync } from 'node:crypto'

/** An X-Ray trace id: `Root=1-5eb33c07-de25b420912dee103a5db434`. */
export function makeTraceId(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000).toString(16)
  return `Root=1-${seconds.padStart(8, '0')}-${random(12).toString('hex')}`
}

/**
 * What a client sent as its `X-Amzn-Trace-Id`, to be handed on; null for what is none. It becomes a header to the runtime
 * again, so other characters than these, and more of them than a header may have, would end whoever writes or reads it.
 */
export function readTraceId(sent: string | undefined): string | null {
  return /^Root=1-[\x21-\x7e]{1,500}$/.test(sent ?? '') ? (sent ?? null) : null
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

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** An id as Lambda gives to a request to a Web Function: `NF5U6CMIUAWPER24GXDNDEZSVU`. */
export function makeRequestId(): string {
  return Array.from(random(26), (byte) => base32[byte % 32]).join('')
}
