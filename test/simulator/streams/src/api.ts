import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { serve } from '@thaw/lambda'

/** Sends `first`, waits for the file that the query names if it does, and sends `second` or breaks off. */
export const handler = serve(
  (request: Request) => {
    const { pathname, searchParams } = new URL(request.url)
    const go = searchParams.get('until')
    async function* pieces() {
      yield Buffer.from('first ')
      while (go !== null && !existsSync(go)) await setTimeout(5)
      if (pathname === '/broken') throw new Error('broke off')
      yield Buffer.from('sécond')
    }
    const headers = new Headers({ 'content-type': 'text/plain; charset=utf-8', 'x-own': 'yes' })
    headers.append('set-cookie', 'a=1; Path=/')
    headers.append('set-cookie', 'b=2')
    return new Response(ReadableStream.from(pieces()), { status: 203, headers })
  },
  { stream: true },
)
