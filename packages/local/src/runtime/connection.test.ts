import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Connection, openConnection } from './connection.ts'

const server = createServer()
let connection: Connection
let socket: Socket
let received = ''

beforeEach(async () => {
  received = ''
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const connected = once(server, 'connection')
  connection = openConnection('127.0.0.1', (server.address() as AddressInfo).port)
  socket = (await connected)[0]
  socket.on('data', (chunk) => {
    received += chunk
  })
})

afterEach(async () => {
  socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

const answer = (body: string, headers = '') =>
  Buffer.from(`HTTP/1.1 200 OK\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)

test.each([1, 2, 3, 7, 64])('answers are put together from pieces of %i bytes', async (size) => {
  const [first, second] = [connection.send('GET', '/next', {}), connection.send('POST', '/post', {}, 'ü')]
  const bytes = Buffer.concat([answer('gr\u00fc\u00dfe \r\n\r\n', 'X-One: a: b\r\n'), answer('')])
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(bytes.subarray(at, at + size))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await first).toMatchObject({ body: 'gr\u00fc\u00dfe \r\n\r\n', headers: { 'x-one': 'a: b' } })
  expect((await second).body).toBe('')
})

test('what is said at once arrives at once, with the length in bytes', async () => {
  const sent = [connection.send('POST', '/post', { 'x-a': '1' }, 'ü'), connection.send('GET', '/next', {})]
  await once(socket, 'data')
  expect(received).toContain('x-a: 1\r\ncontent-length: 2\r\n\r\nü')
  expect(received).toContain('GET /next HTTP/1.1\r\n')
  socket.write(Buffer.concat([answer('1'), answer('2')]))
  expect((await Promise.all(sent)).map(({ body }) => body)).toEqual(['1', '2'])
})

test('everything that waits is rejected when the other side goes away, and what comes later', async () => {
  const waiting = [connection.send('GET', '/next', {}), connection.send('POST', '/post', {}, 'x')]
  const settled = Promise.allSettled(waiting)
  socket.write(answer('whole').subarray(0, -1))
  socket.end()
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(connection.send('GET', '/next', {})).rejects.toThrow('closed')
})

test('an answer without its length is refused', async () => {
  const sent = connection.send('GET', '/next', {})
  socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
  await expect(sent).rejects.toThrow('no length')
})
