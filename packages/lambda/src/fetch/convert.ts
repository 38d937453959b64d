import { type Body, readBytes } from './body.ts'
import type { Headers } from './headers.ts'
import { nativeResponse } from './native.ts'

/** Reads `body` to its end as a `Blob`, whose type is what `headers` say. */
export async function readBlob(body: Body | null, headers: Headers): Promise<Blob> {
  const bytes = await readBytes(body)
  const header = headers.get('content-type')
  const type = header === null ? '' : simpleType(header)
  if (type !== null) return new Blob([bytes], { type })
  return (await nativeTwin(bytes, header)).blob()
}

/** Reads `body` to its end as a form. `FormData` is a class of the runtime's fetch, so that this loads it. */
export async function readForm(body: Body | null, headers: Headers): Promise<FormData> {
  const bytes = await readBytes(body)
  return (await nativeTwin(bytes, headers.get('content-type'))).formData()
}

/** The runtime's own response with these bytes, for what is rare and has a parser there. */
async function nativeTwin(bytes: Uint8Array<ArrayBuffer>, type: string | null): Promise<globalThis.Response> {
  const Native = await nativeResponse()
  return new Native(bytes, type === null ? {} : { headers: { 'content-type': type } })
}

/** A content type as MIME Sniffing writes it again; null for one that needs a parser. */
function simpleType(header: string): string | null {
  const match = /^([\w.+-]+\/[\w.+-]+)(?:;\s*(charset=[\w-]+))?$/.exec(header)
  if (!match) return null
  return match[2] === undefined ? String(match[1]) : `${match[1]};${match[2]}`
}
