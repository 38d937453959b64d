import type { IncomingMessage, RequestOptions } from 'node:http'

/**
 * Registers an internal extension that wants no events. Without any extension Lambda ends an environment by SIGKILL;
 * with one, the process gets SIGTERM and half a second. Resolves when that is settled, with the reason if it is not to
 * be had; the extension then waits for an event that never comes, which Lambda demands of it, until the process ends.
 *
 * Only possible while the function initialises. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
 *
 * @param address `host:port` of the Runtime API.
 */
export async function registerExtension(address: string): Promise<{ readonly refusal: string | null }> {
  try {
    const { statusCode, headers } = await call(address, {
      method: 'POST',
      path: 'register',
      headers: { 'lambda-extension-name': 'thaw', 'content-type': 'application/json' },
    })
    const id = headers['lambda-extension-identifier']
    if (statusCode !== 200 || typeof id !== 'string') return { refusal: `status ${statusCode}` }
    call(address, {
      method: 'GET',
      path: 'event/next',
      headers: { 'lambda-extension-identifier': id },
    }).catch(() => {})
    return { refusal: null }
  } catch (error) {
    return { refusal: String(error) }
  }
}

function call(address: string, { path, ...options }: RequestOptions): Promise<IncomingMessage> {
  // Not by import, which looks at all exports and loads the built-in fetch for it.
  const { request } = process.getBuiltinModule('node:http')
  const [hostname, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...options,
      hostname,
      port: port ?? 80,
      path: `/2020-01-01/extension/${path}`,
    })
    // The function decides how long the process lives, not this.
    outgoing.on('socket', (socket) => socket.unref())
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      incoming.resume()
      incoming.on('error', () => {})
      resolve(incoming)
    })
    outgoing.end(options.method === 'POST' ? '{"events":[]}' : undefined)
  })
}
