import type { Socket } from 'node:net'

/** What came back: no status, because a runtime has no use for it. */
export interface Reply {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A connection to an HTTP server that tells the length of all it answers, as the Runtime API does. */
export interface Connection {
  /** `path` with its slash. Rejects when the other side is gone. Answers come in the order of what was sent. */
  send(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Reply>
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/**
 * HTTP/1.1 by hand over one kept connection: `node:http` would be loaded at every cold start, and take most of the
 * time of a short invocation. An idle connection keeps no process alive.
 */
export function openConnection(host: string, port: number): Connection {
  const { connect } = process.getBuiltinModule('node:net')
  const waiting: Waiting[] = []
  let lost: Error | null = null
  const lose = (error: Error) => {
    lost ??= error
    for (const { reject } of waiting.splice(0)) reject(lost)
  }
  const socket: Socket = connect({ host, port, noDelay: true })
  socket.unref()
  socket.on('error', lose)
  socket.on('close', () => lose(new Error('the connection was closed')))
  const read = createReader((reply) => {
    waiting.shift()?.resolve(reply)
    if (waiting.length === 0) socket.unref()
  })
  socket.on('data', (chunk: Buffer) => {
    try {
      read(chunk)
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
  return {
    send(method, path, headers, body = '') {
      if (lost !== null) return Promise.reject(lost)
      let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\n`
      for (const name in headers) head += `${name}: ${headers[name]}\r\n`
      if (method === 'POST') head += `content-length: ${Buffer.byteLength(body)}\r\n`
      socket.ref()
      // What is sent without waiting in between goes out at once.
      socket.cork()
      socket.write(`${head}\r\n${body}`)
      process.nextTick(() => socket.uncork())
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
  }
}

/** Takes the bytes of answers in pieces of any size, and tells of each answer once it is whole. */
function createReader(onReply: (reply: Reply) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let bytes = 0
  /** Before there are so many it is of no use to look. */
  let needed = 0
  return (chunk) => {
    chunks.push(chunk)
    bytes += chunk.length
    while (bytes > 0 && bytes >= needed) {
      const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes)
      chunks = [all]
      const end = all.indexOf('\r\n\r\n')
      if (end < 0) return
      const headers = readHeaders(all.toString('latin1', 0, end))
      const begin = end + 4
      needed = begin + lengthOf(headers)
      if (bytes < needed) return
      const body = all.toString('utf8', begin, needed)
      bytes -= needed
      chunks = bytes === 0 ? [] : [all.subarray(needed)]
      needed = 0
      onReply({ headers, body })
    }
  }
}

function readHeaders(head: string): Record<string, string> {
  const headers: Record<string, string> = {}
  const [, ...lines] = head.split('\r\n')
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return headers
}

function lengthOf(headers: Readonly<Record<string, string>>): number {
  const length = Number(headers['content-length'])
  if (!Number.isSafeInteger(length) || length < 0)
    throw new Error('an answer of the Runtime API has no length')
  return length
}
