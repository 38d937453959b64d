import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutant-list.ts'

// Puts one bug after the other into a copy of the sources and lets the simulation find it, or the test that is named for
// it: the simulation's own test.

const ROOT = join(import.meta.dirname, '../../..')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '3000' }, shard: { type: 'string', default: '1/1' } },
})

const copy = mkdtempSync(join(tmpdir(), 'thaw-mutants-'))
let missed = 0
try {
  copySources()
  const [shard = 1, shards = 1] = values.shard.split('/').map(Number)
  const chosen = mutants
    .filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
    .filter((_, index) => index % shards === shard - 1)
  for (const mutant of chosen) {
    const found = hunt(mutant)
    if (found === null) missed++
    console.log(
      `${found === null ? 'MISSED' : 'found '}  ${mutant.name}${found === null ? '' : `: ${found}`}`,
    )
  }
  console.log(`${chosen.length - missed} of ${chosen.length} found`)
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.exitCode = missed === 0 ? 0 : 1

/** The workspace again, its packages as they are now, everything else by reference. */
function copySources(): void {
  const packages = join(copy, 'packages')
  const modules = join(copy, 'node_modules')
  mkdirSync(join(modules, '@thaw'), { recursive: true })
  for (const name of ['ltx', 'store', 'sqlite', 'testing']) {
    const isSource = (path: string) => !path.includes('node_modules')
    cpSync(join(ROOT, 'packages', name), join(packages, name), { recursive: true, filter: isSource })
    symlinkSync(join(packages, name), join(modules, '@thaw', name))
    const own = join(ROOT, 'packages', name, 'node_modules')
    if (existsSync(own)) symlinkSync(own, join(packages, name, 'node_modules'))
  }
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== '@thaw') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
}

/** What the simulation, or a test, says of the mutant; null when it finds nothing. */
function hunt({ file, from, to, name, test }: Mutant): string | null {
  const path = join(copy, 'packages/sqlite/src', file)
  const source = readFileSync(path, 'utf8')
  if (source.split(from).length !== 2)
    throw new Error(`"${name}" does not fit to ${file} any more: change its patch`)
  const failsUnchanged = test && runTest(test)
  if (failsUnchanged) throw new Error(`${test} fails without "${name}" too: ${failsUnchanged}`)
  writeFileSync(
    path,
    source.replace(from, () => to),
  )
  try {
    if (test) return runTest(test)
    const main = join(copy, 'packages/sqlite/sim/main.ts')
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--seeds', values.seeds], {
      encoding: 'utf8',
    })
    if (status === 0) return null
    const verdict = stdout.split('\n').findLast((line) => line.startsWith('seed '))
    if (verdict === undefined) throw new Error(`"${name}" ended without a verdict:\n${stderr}`)
    return verdict.slice(0, 200)
  } finally {
    writeFileSync(path, source)
  }
}

/** The first failure; null when all is well. */
function runTest(test: string): string | null {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--root', copy, '--testTimeout', '30000', join('packages/sqlite/src', test)]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  if (status === 0) return null
  const failure = stderr.split('\n').find((line) => line.trimStart().startsWith('FAIL'))
  if (failure === undefined) throw new Error(`${test} ended without a verdict:\n${stdout}\n${stderr}`)
  return failure.trim()
}
