import type { IncomingMessage } from 'node:http'
import type { Exchange } from '../fronts/exchange.ts'
import { joinHeader } from '../fronts/headers.ts'
import { writeHttpV2Answer } from '../fronts/http-v2/answer.ts'
import { assembleRequest, lastForwarded } from '../fronts/request.ts'
import { encodeRawPath, encodeRawQuery, stripPrefixes } from '../http/url.ts'
import { nobody } from '../identity.ts'

/**
 * A request to a Web Function as an exchange. Its `event` has the shape of a Function URL's, for applications that
 * look at one. https://docs.aws.amazon.com/lambda/latest/dg/web-functions-http.html
 */
export function openWebRequest(
  incoming: IncomingMessage,
  requestId: string,
  bytes: Uint8Array<ArrayBuffer>,
): Exchange {
  const { method = 'GET', url = '/' } = incoming
  const mark = url.indexOf('?')
  const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)]
  const headers = headersOf(incoming)
  const host = headers.get('host') || 'localhost'
  // The last address is the one that Lambda saw.
  const address = lastForwarded(Object.fromEntries(headers))
  return {
    event: {
      version: '2.0',
      rawPath: path,
      rawQueryString: query,
      headers: Object.fromEntries(headers),
      requestContext: {
        domainName: host,
        http: { method, path, sourceIp: address ?? '' },
        requestId,
        stage: '$default',
      },
      body: Buffer.from(bytes).toString('base64'),
      isBase64Encoded: true,
    } as Exchange['event'],
    method,
    path,
    readRequest(basePath) {
      return assembleRequest(bytes, {
        method,
        methodField: 'method',
        headers: new Map(headers),
        domainName: null,
        path: encodeRawPath(stripPrefixes(path, [basePath])),
        query: encodeRawQuery(query),
      })
    },
    readCaller: () => ({ address, identity: nobody }),
    writeAnswer: writeHttpV2Answer,
    writeHead: (head) => head,
  }
}

/** As an application behind any other front gets them: repeated ones joined. */
function headersOf({ rawHeaders }: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase()
    const value = rawHeaders[index + 1]!
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : joinHeader(name, before, value))
  }
  headers.delete('transfer-encoding')
  return headers
}
