import type { ServerResponse } from 'node:http'

/** How long a client may rest until no more of its body is waited for. */
const restMs = 300

/**
 * Ends an answer, and then the connection, to a request of which nobody reads the rest: that is read and dropped here.
 * A connection that is closed with something unread is reset, mostly before its client has heard the answer.
 *
 * To be called when the head is written, which has to say `connection: close` and how long the body is.
 */
export function endUnread(response: ServerResponse, body: Uint8Array): void {
  const { req: incoming } = response
  response.write(body)
  const end = () => {
    clearTimeout(timer)
    incoming.off('data', onData).off('end', end).off('close', end)
    response.end()
  }
  const timer = setTimeout(end, restMs)
  const onData = () => void timer.refresh()
  incoming.on('data', onData).on('end', end).on('close', end).resume()
}
