import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { SentRequest } from '../../../../packages/lambda/test/events.ts'
import type { Received } from './exchange.ts'

/** What a plain server of Node receives for the bytes of a request: the truth that adapters are held against. */
export async function receivedByNode(sent: SentRequest): Promise<Received> {
  const server = createServer({ requireHostHeader: false })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const received = new Promise<Received>((resolve, reject) => {
      server.on('clientError', reject)
      server.on('request', async (request, response) => {
        const body = await buffer(request)
        response.end()
        const headers = Object.entries(request.headersDistinct).map(
          ([name, values = []]): [string, string] => [name, values.join(name === 'cookie' ? '; ' : ', ')],
        )
        resolve({
          method: request.method ?? '',
          target: request.url ?? '',
          headers: new Map(headers.filter(([name]) => name !== 'connection')),
          body,
        })
      })
    })
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const lengths = sent.body.length > 0 ? [['Content-Length', String(sent.body.length)]] : []
    const lines = [['Connection', 'close'], ...lengths, ...sent.headers].map(
      (line) => `${line.join(': ')}\r\n`,
    )
    socket.write(`${sent.method} ${sent.target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'utf8')
    socket.write(sent.body)
    await buffer(socket)
    return await received
  } finally {
    await once(server.close(), 'close')
  }
}
