import type { ServerResponse } from 'node:http'
import { endUnread } from '../unread.ts'
import type { AnswerHead, HeaderField, HttpAnswer } from './gateway.ts'

/** Whether HTTP has a body in this answer. */
export function hasBody(status: number, method: string | undefined): boolean {
  return status !== 204 && status !== 304 && method !== 'HEAD'
}

/** Writes status and headers; the gateway's own go before the function's of the same name. */
export function sendHead(
  response: ServerResponse,
  { status, reason, headers }: AnswerHead,
  own: readonly HeaderField[],
): void {
  const fields: string[] = []
  for (const [name, value] of headers) {
    if (!own.some(([other]) => other === name.toLowerCase())) fields.push(name, value)
  }
  for (const [name, value] of own) fields.push(name, value)
  if (reason === undefined) response.writeHead(status, fields)
  else response.writeHead(status, reason, fields)
}

/** Writes an answer that is whole already. What is left unread of the request ends the connection. */
export function sendAnswer(response: ServerResponse, answer: HttpAnswer, own: readonly HeaderField[]): void {
  const isSent = hasBody(answer.status, response.req.method)
  const length: HeaderField = ['content-length', String(answer.body.length)]
  const isRead = response.req.complete
  // It would be taken for the next request.
  if (!isRead) response.setHeader('connection', 'close')
  sendHead(response, answer, isSent ? [...own, length] : own)
  if (isSent && !isRead) endUnread(response, answer.body)
  else response.end(isSent ? answer.body : undefined)
}
