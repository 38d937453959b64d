import { randomUUID } from 'node:crypto'
import { accountId } from '../../account.ts'

export interface ScheduledFacts {
  readonly functionName: string
  readonly region: string
  /** When it was due. */
  readonly dueAtMs: number
}

/**
 * The event of a rule with a schedule. Its time has no fractions of a second.
 *
 * Source: "Scheduled event" in "Events from AWS services" of the EventBridge event reference.
 */
export function buildScheduledEvent({ functionName, region, dueAtMs }: ScheduledFacts) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: accountId,
    time: new Date(dueAtMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [`arn:aws:events:${region}:${accountId}:rule/${functionName}`],
    detail: {},
  }
}
