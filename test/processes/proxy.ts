import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '@thaw/testing'
import { monotonic } from './time.ts'

/** What befalls a request, and how likely. The rest goes through, some of it late. */
const FAULTS = {
  /** The connection breaks before the request is passed on. */
  reset: 0.02,
  /** The request takes effect, and the connection breaks instead of an answer. */
  'lost answer': 0.03,
  /** The connection breaks at once, and the request takes effect a while later. */
  'late request': 0.015,
  '500': 0.01,
  '503': 0.02,
  /** The answer breaks off in its middle. */
  truncated: 0.01,
}
type Fault = keyof typeof FAULTS

const LATE_MS = 1_500
const SLOW = 0.05
const SLOW_MS = 400

/** A put that the bucket accepted. */
export interface AcceptedPut {
  readonly path: string
  /** When it was sent to the bucket: it took effect after that. */
  readonly tick: number
  /** The bucket's clock, ms. */
  readonly at: number
}

export interface FaultyProxy {
  readonly port: number
  readonly accepted: readonly AcceptedPut[]
  /** How often what befell a request. */
  readonly faults: Readonly<Record<string, number>>
  readonly requests: number
  /** Resolves when nothing is on its way to the bucket any more. */
  close(): Promise<void>
}

/**
 * A proxy before a server that makes it fail as networks and servers do. What it passes on it does not change, so
 * that signatures hold.
 */
export async function startFaultyProxy(upstreamPort: number, random: SeededRandom): Promise<FaultyProxy> {
  const agent = new Agent({ keepAlive: true })
  const accepted: AcceptedPut[] = []
  const faults: Record<string, number> = {}
  let requests = 0
  const underWay = new Set<Promise<void>>()
  let closed = false

  function draw(): Fault | null {
    let left = random.next()
    for (const [fault, chance] of Object.entries(FAULTS)) {
      left -= chance
      if (left < 0) return fault as Fault
    }
    return null
  }

  async function pass(incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const tick = monotonic()
    const { method, url = '', headers } = incoming
    const outgoing = request({ agent, host: '127.0.0.1', port: upstreamPort, method, path: url, headers })
    outgoing.end(body)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    if (method === 'PUT' && answer.statusCode === 200) accepted.push({ path: url, tick, at: Date.now() })
    return answer
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming)
    requests++
    const fault = draw()
    if (fault) faults[fault] = (faults[fault] ?? 0) + 1
    if (random.chance(SLOW)) await sleep(random.integer(0, SLOW_MS))
    if (fault === 'reset') return void incoming.socket.destroy()
    if (fault === 'late request') {
      incoming.socket.destroy()
      await sleep(random.integer(0, LATE_MS))
      if (!closed) (await pass(incoming, body)).resume()
      return
    }
    if (fault === '500' || fault === '503') {
      outgoing.writeHead(Number(fault), { 'content-type': 'application/xml' })
      outgoing.end(`<Error><Code>Planned${fault}</Code><Message>A planned fault</Message></Error>`)
      return
    }
    const answer = await pass(incoming, body)
    const content = await bodyOf(answer)
    if (fault === 'lost answer') return void incoming.socket.destroy()
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    if (fault === 'truncated' && content.length > 1) {
      outgoing.write(content.subarray(0, content.length / 2), () => incoming.socket.destroy())
      return
    }
    outgoing.end(content)
  }

  const server = createServer((incoming, outgoing) => {
    // Whoever was killed broke its connection: nobody waits for the answer.
    const served = serve(incoming, outgoing)
      .catch(() => void incoming.socket.destroy())
      .finally(() => underWay.delete(served))
    underWay.add(served)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    accepted,
    faults,
    get requests() {
      return requests
    },
    async close() {
      closed = true
      await Promise.all(underWay)
      server.close()
      server.closeAllConnections()
      agent.destroy()
      await once(server, 'close')
    },
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of message) pieces.push(piece)
  return Buffer.concat(pieces)
}
