import { connect, type Socket } from 'node:net'

// Usage: node load.ts URL CONNECTIONS MILLISECONDS [WARM-UP MILLISECONDS]
//
// Sends requests over kept connections, the next one on each as soon as it has its answer, and prints what came of it
// as JSON: `{ requests, ms, p50, p99 }`. Speaks HTTP by hand, because a client of Node's own takes more of the machine
// than what it is to measure. Fails at the first answer that is no 200 with the expected body.

const [address = '', connections = '1', milliseconds = '1000', warmUp = '500'] = process.argv.slice(2)
const { hostname, port, pathname } = new URL(address)
const request = `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`
const expected = '{"hello":"world"}'

const countsFrom = performance.now() + Number(warmUp)
const endsAt = countsFrom + Number(milliseconds)
const latencies: number[] = []

await Promise.all(
  Array.from({ length: Number(connections) }, () => keepAsking(connect(Number(port), hostname))),
)
latencies.sort((a, b) => a - b)
const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? null
console.log(
  JSON.stringify({ requests: latencies.length, ms: Number(milliseconds), p50: at(0.5), p99: at(0.99) }),
)

function keepAsking(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let received = ''
  let askedAt = 0
  const ask = () => {
    received = ''
    askedAt = performance.now()
    socket.write(request)
  }
  socket.setNoDelay(true).setEncoding('latin1')
  socket.once('connect', ask)
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the connection was closed')))
  socket.on('data', (text: string) => {
    received += text
    if (!isWhole(received)) return
    const now = performance.now()
    if (!received.startsWith('HTTP/1.1 200 ') || !received.endsWith(expected)) {
      reject(new Error(`unexpected answer: ${received.slice(0, 500)}`))
    } else if (now >= endsAt) {
      resolve()
      socket.destroy()
    } else {
      if (askedAt >= countsFrom) latencies.push(now - askedAt)
      ask()
    }
  })
  return promise
}

/** Every answer here says its length. */
function isWhole(received: string): boolean {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(received.slice(0, end + 2))?.[1]
  if (length === undefined) throw new Error(`an answer without content-length: ${received.slice(0, 500)}`)
  return received.length >= end + 4 + Number(length)
}
