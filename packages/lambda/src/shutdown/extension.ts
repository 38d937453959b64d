import type { ClientRequest, IncomingMessage } from 'node:http'

/** For an answer that takes no time: whoever waits for it is initialising. */
const patienceMs = 1_000

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
    const { statusCode, headers } = await register(address)
    const id = headers['lambda-extension-identifier']
    if (statusCode !== 200 || typeof id !== 'string') return { refusal: `status ${statusCode}` }
    call(address, 'GET', 'event/next', { 'lambda-extension-identifier': id })
      // The function decides how long the process lives, not this.
      .on('socket', (socket) => socket.unref())
      .on('error', () => {})
      .end()
    return { refusal: null }
  } catch (error) {
    return { refusal: String(error) }
  }
}

function register(address: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'lambda-extension-name': 'thaw', 'content-type': 'application/json' }
    const outgoing = call(address, 'POST', 'register', headers)
    outgoing.setTimeout(patienceMs, () => {
      outgoing.destroy(new Error(`no answer within ${patienceMs} ms`))
    })
    outgoing
      .on('error', reject)
      .on('response', (incoming) => resolve(incoming.on('error', () => {}).resume()))
      .end('{"events":[]}')
  })
}

function call(address: string, method: string, path: string, headers: Record<string, string>): ClientRequest {
  // Not by import, which looks at all exports and loads the built-in fetch for it.
  const { request } = process.getBuiltinModule('node:http')
  const [hostname, port] = address.split(':')
  return request({ method, hostname, port: port ?? 80, path: `/2020-01-01/extension/${path}`, headers })
}
