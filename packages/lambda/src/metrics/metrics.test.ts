import { expect, test, vi } from 'vitest'
import { event, lambdaContext, sqsRecord } from '../../test/events.ts'
import { metrics, queue, serve } from '../index.ts'

function collect() {
  const lines: Record<string, unknown>[] = []
  return { lines, write: (line: string) => void lines.push(JSON.parse(line)) }
}

test('each invocation writes one line in the Embedded Metric Format', async () => {
  const { lines, write } = collect()
  const app = () => {
    performance.mark('thaw:conflict')
    performance.mark('thaw:conflict')
    performance.measure('thaw:persist-lag', { start: 10, duration: 7 })
    performance.measure('another', { start: 1, duration: 1 })
    return new Response()
  }
  performance.measure('thaw:restore', { start: 1, duration: 41 })
  const handler = serve(app, { with: [metrics({ write, namespace: 'Shop', dimensions: { Stage: 'dev' } })] })
  await handler(event('/'), lambdaContext())
  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'Shop',
            Dimensions: [['FunctionName', 'Stage']],
            Metrics: [
              { Name: 'Duration', Unit: 'Milliseconds' },
              { Name: 'Restore', Unit: 'Milliseconds' },
              { Name: 'PersistLag', Unit: 'Milliseconds' },
              { Name: 'Faults', Unit: 'Count' },
              { Name: 'ColdStarts', Unit: 'Count' },
              { Name: 'Conflict', Unit: 'Count' },
            ],
          },
        ],
      },
      FunctionName: 'api',
      Stage: 'dev',
      requestId: lambdaContext().awsRequestId,
      Duration: [expect.any(Number)],
      Restore: [41],
      PersistLag: [7],
      Faults: 0,
      ColdStarts: 1,
      Conflict: 2,
    },
  ])
  expect(performance.getEntriesByName('another')).toHaveLength(1)
  await serve(() => new Response(), { with: [metrics({ write })] })(event('/'), lambdaContext())
  expect(lines[1]).not.toHaveProperty('Restore')
})

test('a cold start counts once, however many messages the first batch has', async () => {
  const { lines, write } = collect()
  const handler = queue(() => {}, { with: [metrics({ write })] })
  const batch = { Records: ['m1', 'm2', 'm3'].map((id) => sqsRecord(id, 1)) }
  await handler(batch, lambdaContext())
  await handler(batch, lambdaContext())
  expect(lines.map(({ ColdStarts }) => ColdStarts)).toEqual([1, 0, 0, 0, 0, 0])
})

test('a fault is what the function did wrong, not the client', async () => {
  const { lines, write } = collect()
  for (const status of [undefined, 404, 503]) {
    const app = () => Promise.reject(Object.assign(new Error('no'), { status }))
    await serve(app, { with: [metrics({ write })], log() {} })(event('/'), lambdaContext())
  }
  expect(lines.map(({ Faults }) => Faults)).toEqual([1, 0, 1])
})

test('a line has at most 100 values of a metric, and goes to standard output', async () => {
  const written = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
  for (let index = 0; index < 120; index++) performance.measure('thaw:commit', { start: 0, duration: index })
  vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1')
  await serve(() => new Response(), { with: [metrics()] })(event('/'), lambdaContext())
  const lines = written.mock.calls.map(([line]) => String(line))
  written.mockRestore()
  vi.unstubAllEnvs()
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^\{"_aws".*\}\n$/)
  const line = JSON.parse(lines[0]!)
  expect(line.Commit).toHaveLength(100)
  expect(line.traceId).toBe('1-5759e988-bd862e3fe1be46a994272793')
})
