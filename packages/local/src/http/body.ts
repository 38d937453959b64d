import { isUtf8 } from 'node:buffer'

/** How an event carries a body. */
export interface EventBody {
  readonly body?: string
  readonly isBase64Encoded: boolean
}

const textType = /^\s*(text\/|application\/(json|xml|javascript)\s*(;|$))/i

/** Whether HTTP APIs, Function URLs and load balancers take a type for text: by these names, so that forms are none. */
export function isTextType(type: string | undefined): boolean {
  return textType.test(type ?? '')
}

/**
 * A body as text or in base64. What is said to be text and is no UTF-8 becomes base64 too, so that no byte is lost:
 * AWS is not known to say.
 */
export function encodeBody(body: Uint8Array, isText: boolean): EventBody {
  if (body.length === 0) return { isBase64Encoded: false }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  return isText && isUtf8(bytes)
    ? { body: bytes.toString('utf8'), isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true }
}
