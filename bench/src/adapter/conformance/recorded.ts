import { Buffer } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import {
  type RecordedRequest,
  recordedFolder,
  recordedRequests,
} from '../../../../packages/lambda/test/recorded-requests.ts'
import type { Received } from './exchange.ts'
import { type Front, frontNamed } from './fronts.ts'

export interface RecordedEvent {
  readonly name: string
  readonly front: Front
  readonly event: Record<string, unknown>
  /** The request it was made of, as far as the event tells. */
  readonly truth: Received
}

/** The events that others have recorded; none where they are not kept. */
export function recordedEvents(): RecordedEvent[] {
  if (!existsSync(recordedFolder)) return []
  return recordedRequests.map(([file, request]) => {
    const event = JSON.parse(readFileSync(new URL(`http/${file}`, recordedFolder), 'utf8'))
    return { name: file, front: frontOf(event), event, truth: truthOf(request, event) }
  })
}

function frontOf(event: Record<string, unknown>): Front {
  const { elb, stage } = event.requestContext as Record<string, unknown>
  if (elb) return frontNamed(event.multiValueHeaders ? 'load balancer with lists' : 'load balancer')
  if (event.version !== '2.0') return frontNamed('REST API')
  return { ...frontNamed('HTTP API'), stage: stage === '$default' ? '' : `/${stage}` }
}

function truthOf({ line, cookie, host, body }: RecordedRequest, event: Record<string, unknown>): Received {
  const [method = '', url = ''] = line.split(' ')
  const headers = new Map<string, string>()
  if (cookie !== null) headers.set('cookie', cookie)
  // Clients always send one, but not all events that were written down have kept it.
  const names = Object.keys((event.headers ?? {}) as object)
  if (names.some((name) => name.toLowerCase() === 'host')) headers.set('host', host)
  return { method, target: url.slice(new URL(url).origin.length), headers, body: Buffer.from(body) }
}
