import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { trackConnections } from './sockets.ts'

const client = `
  const { connect } = require('node:net')
  const [port] = process.argv.slice(1)
  for (let i = 0; i < 2; i++) connect(port, '127.0.0.1').on('error', (error) => console.log(error.code)).on('close', () => {})
`

test.skipIf(process.platform !== 'linux')('cuts the connections of one process and of no other', async () => {
  const connections = trackConnections()
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  connections.track(server)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ours = connect(port, '127.0.0.1')
  // It is told by who asks, so also what a process has started counts.
  const child = spawn('/bin/sh', ['-c', `"${process.execPath}" -e "$0" ${port}; true`, client], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    for (let count = 0; count < 3; count++) await once(server, 'connection')
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    await expect.poll(() => connections.cut(Number(child.pid))).toBe(2)
    await once(child, 'close')
    expect(printed).toBe('ECONNRESET\nECONNRESET\n')
    expect(connections.cut(Number(child.pid))).toBe(0)
    ours.write('still there')
    expect(String((await once(ours, 'data'))[0])).toBe('still there')
  } finally {
    ours.destroy()
    child.kill('SIGKILL')
    server.close()
  }
})
