import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import aws4 from 'aws4'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly body?: string
}

export const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret/key',
  sessionToken: 'a+token==',
}

/** A service of AWS on a local port, which believes only what `aws4`, another signer than ours, would have signed. */
export async function awsService(
  service: string,
  answer: (request: Received) => Reply | Promise<Reply>,
): Promise<{ url: string; received: Received[]; close(): Promise<void> }> {
  const received: Received[] = []
  const server = createServer(async (incoming, response) => {
    const body = (await buffer(incoming)).toString()
    const request = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body,
    }
    received.push(request)
    const { status, body: text } = isSigned(service, request)
      ? await answer(request)
      : { status: 403, body: 'The request signature we calculated does not match' }
    response.writeHead(status).end(text)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async close() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

function isSigned(service: string, { method, path, headers, body }: Received): boolean {
  const { authorization = '' } = headers
  const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? []
  const { 'x-amz-date': date } = headers
  if (
    Math.abs(Date.now() - Date.parse(String(date).replace(/(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'))) > 300_000
  ) {
    return false
  }
  const region = /Credential=[^/]+\/\d+\/([^/]+)/.exec(authorization)?.[1] ?? ''
  const again = aws4.sign(
    {
      service,
      region,
      method,
      path,
      body,
      headers: Object.fromEntries(signed.map((name) => [name, String(headers[name])])),
      // Only what the sender has signed.
      extraHeadersToIgnore: { 'content-length': true, 'content-type': !signed.includes('content-type') },
    } as aws4.Request,
    credentials,
  )
  return (again.headers as Record<string, string>).Authorization === authorization
}
