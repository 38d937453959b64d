import { connect } from 'node:net'
import type { seededRandom } from '@thaw/testing'

/**
 * Sends these bytes, and gives back what comes until the other side has enough. With `patienceMs` the end of the
 * bytes is the end when nothing has come for so long: the server may wait for more.
 */
export function exchange(url: string, bytes: Buffer, patienceMs: number | null): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    if (patienceMs !== null) socket.setTimeout(patienceMs, () => socket.end())
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
}

const interesting = [
  '%',
  '%00',
  '%ff',
  '/',
  '..',
  '?',
  '&',
  '=',
  '\r\n',
  '\0',
  '<',
  '>',
  '-1',
  '99999999999999999999',
  'ü',
  '{',
  '"',
  '\\',
  ' ',
  ',',
  ':',
]

/** These bytes with one to three small things wrong. */
export function mutate(random: ReturnType<typeof seededRandom>, bytes: Buffer): Buffer {
  let mutant = bytes
  for (let count = random.integer(1, 3); count > 0; count--) mutant = mutateOnce(random, mutant)
  return mutant
}

function mutateOnce(random: ReturnType<typeof seededRandom>, bytes: Buffer): Buffer {
  const at = random.integer(0, bytes.length)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (random.integer(0, 4)) {
    case 0:
      return Buffer.concat([before, after.subarray(random.integer(0, 9))])
    case 1:
      return Buffer.concat([before, Buffer.from([random.integer(0, 255)]), after.subarray(1)])
    case 2:
      return before
    default: {
      const piece = interesting[random.integer(0, interesting.length - 1)] ?? ''
      return Buffer.concat([before, Buffer.from(piece), after])
    }
  }
}

/** A request as it goes over the wire. */
export const request = (head: string, body = '', headers: readonly string[] = []) =>
  [
    `${head} HTTP/1.1`,
    'host: x',
    'connection: close',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n')
