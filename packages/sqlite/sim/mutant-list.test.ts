import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mutants } from './mutant-list.ts'

test.each(mutants)('"$name" fits to the sources', ({ file, from, to, test }) => {
  const source = readFileSync(join(import.meta.dirname, '../src', file), 'utf8')
  expect(source.split(from)).toHaveLength(2)
  expect(to).not.toBe(from)
  expect(() => stripTypeScriptTypes(source.replace(from, () => to))).not.toThrow()
  if (test) expect(existsSync(join(import.meta.dirname, '../src', test))).toBe(true)
})

test('no two have one name', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
})
