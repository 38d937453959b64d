import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { readLines, reportLine } from './log.ts'

async function linesOf(chunks: readonly (string | Uint8Array)[]): Promise<string[]> {
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk as string)))
  const lines: string[] = []
  readLines(stream, (line) => lines.push(line))
  await finished(stream)
  return lines
}

test('lines are put together from pieces, characters too', async () => {
  const bytes = Buffer.from('grüße\r\nzwei\n\ndrei')
  const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte))
  expect(await linesOf(pieces)).toEqual(['grüße', 'zwei', '', 'drei'])
  expect(await linesOf(['one\n'])).toEqual(['one'])
  expect(await linesOf([])).toEqual([])
})

test('a line without end is not held back for ever', async () => {
  const lines = await linesOf(Array.from({ length: 5 }, () => 'x'.repeat(40_000)))
  expect(lines.length).toBeGreaterThan(1)
  expect(lines.join('')).toBe('x'.repeat(200_000))
})

test('a report bills what Lambda bills: also the initialisation, in whole milliseconds', () => {
  const facts = {
    requestId: 'id',
    durationMs: 1.234,
    memoryMb: 128,
    maxMemoryMb: null,
    initMs: null,
    status: null,
  }
  expect(reportLine(facts)).toBe(
    'REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB',
  )
  const cold = {
    ...facts,
    maxMemoryMb: 60,
    initMs: 100.5,
    status: { name: 'error', errorType: 'E' },
  } as const
  expect(reportLine(cold)).toBe(
    'REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 102 ms\tMemory Size: 128 MB' +
      '\tMax Memory Used: 60 MB\tInit Duration: 100.50 ms\tStatus: error\tError Type: E',
  )
})
