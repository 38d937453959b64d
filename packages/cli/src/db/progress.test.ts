import { expect, test } from 'vitest'
import { terminalProgress } from './progress.ts'

test('a step is a line, which is written anew ten times a second at most, and when it is done', () => {
  const written: string[] = []
  let now = 1_000
  const progress = terminalProgress(
    (text) => void written.push(text.replace('\u001b[1A\r\u001b[K', '<')),
    () => now,
  )
  progress('restoring')
  progress('restoring', { done: 0, total: 2048 })
  progress('restoring', { done: 1000, total: 2048 })
  now += 100
  progress('restoring', { done: 1024, total: 2048 })
  progress('restoring', { done: 2048, total: 2048 })
  progress('checking')
  progress('comparing', { done: 0, total: 0 })
  expect(written).toEqual([
    'restoring …\n',
    '<restoring … 0 % of 2.0 KB\n',
    '<restoring … 50 % of 2.0 KB\n',
    '<restoring … 100 % of 2.0 KB\n',
    'checking …\n',
    'comparing …\n',
    '<comparing … 100 % of 0 B\n',
  ])
})
