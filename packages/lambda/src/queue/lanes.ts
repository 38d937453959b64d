import type { SqsRecord } from './message.ts'

/**
 * The messages of a batch in lanes: what is in one lane has to be worked on in order. In a FIFO queue that is a message
 * group. A standard queue knows no order, even where its messages have groups (for fairness).
 */
function lanesOf(records: readonly SqsRecord[]): readonly (readonly SqsRecord[])[] {
  const lanes = new Map<unknown, SqsRecord[]>()
  for (const record of records) {
    const isFifo = record.eventSourceARN.endsWith('.fifo')
    const group = isFifo ? `${record.eventSourceARN} ${record.attributes?.MessageGroupId}` : record
    const lane = lanes.get(group)
    if (lane) lane.push(record)
    else lanes.set(group, [record])
  }
  return [...lanes.values()]
}

/**
 * Works on lanes, so many at once, each in order and up to the first message for which `work` says false.
 *
 * @returns the messages that were not worked on to their end, in the order of `records`.
 */
export async function workOff(
  records: readonly SqsRecord[],
  concurrency: number,
  work: (record: SqsRecord) => Promise<boolean>,
): Promise<readonly SqsRecord[]> {
  const waiting = lanesOf(records).values()
  const done = new Set<SqsRecord>()
  const worker = async () => {
    for (const lane of waiting) {
      for (const record of lane) {
        if (!(await work(record))) break
        done.add(record)
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return records.filter((record) => !done.has(record))
}
