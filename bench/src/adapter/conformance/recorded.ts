import { Buffer } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import {
  type RecordedRequest,
  recordedFolder,
  recordedRequests,
} from '../../../../packages/lambda/test/recorded-requests.ts'
import type { Received } from './exchange.ts'
import type { FrontName } from './fronts.ts'

export interface RecordedEvent {
  readonly name: string
  readonly front: FrontName
  readonly event: Record<string, unknown>
  /** The request it was made of, as far as the event tells. */
  readonly truth: Received
}

/** The events that others have recorded; none where they are not kept. */
export function recordedEvents(): RecordedEvent[] {
  if (!existsSync(recordedFolder)) return []
  return recordedRequests.map(([file, request]) => {
    const event = JSON.parse(readFileSync(new URL(`http/${file}`, recordedFolder), 'utf8'))
    return { name: file, front: frontOf(event), event, truth: truthOf(request) }
  })
}

function frontOf(event: Record<string, unknown>): FrontName {
  const { elb, stage } = event.requestContext as Record<string, unknown>
  if (elb) return event.multiValueHeaders ? 'load balancer with lists' : 'load balancer'
  if (event.version !== '2.0') return 'REST API'
  return stage === '$default' ? 'HTTP API' : 'HTTP API with a stage'
}

function truthOf({ line, cookie, host, body }: RecordedRequest): Received {
  const [method = '', url = ''] = line.split(' ')
  const headers = new Map<string, string>()
  if (cookie !== null) headers.set('cookie', cookie)
  if (host !== 'localhost') headers.set('host', host)
  return { method, target: url.slice(new URL(url).origin.length), headers, body: Buffer.from(body) }
}
