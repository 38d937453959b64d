import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const clock = fileURLToPath(new URL('./clock.ts', import.meta.url))

/** What a program prints (JSON), with `shift` of a clock that was installed before `kept` was taken. */
function run(program: string): unknown {
  const before = `
    import { installClock } from ${JSON.stringify(clock)}
    const real = Date.now
    const System = Date
    const shift = installClock()
    const kept = Date.now
    const off = (ms) => Math.round((ms - real.call(System)) / 1000)
  `
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', before + program], {
    encoding: 'utf8',
  })
  return JSON.parse(output)
}

test('every way to ask what time it is gives the shifted time, and none to say a time is changed', () => {
  const program = `
    const before = off(Date.now())
    shift(3_600_000, null)
    console.log(JSON.stringify([
      before, off(Date.now()), off(kept()), off(new Date().getTime()), off(Date.parse(Date() )),
      new Date(5).getTime(), new Date(2020, 0).getFullYear(), Date.UTC(1970, 0, 1), Date.parse('1970-01-01'),
      new Date() instanceof Date, new (class extends Date {})() instanceof Date, new Date().constructor === Date,
    ]))`
  const [before, ...rest] = run(program) as unknown[]
  expect(before).toBe(0)
  expect(rest.slice(0, 3)).toEqual([3600, 3600, 3600])
  // A text has no milliseconds.
  expect(Math.abs(Number(rest[3]) - 3600)).toBeLessThanOrEqual(1)
  expect(rest.slice(4)).toEqual([5, 2020, 0, 0, true, true, true])
})

test('a clock that is behind is set right by itself, also after it was set right at once', () => {
  const program = `
    shift(-600_000, 50)
    const behind = off(Date.now())
    while (off(Date.now()) < 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const later = off(Date.now())
    shift(-600_000, null)
    const again = off(Date.now())
    shift(0, null)
    console.log(JSON.stringify([behind, later, again, off(Date.now())]))`
  expect(run(program)).toEqual([-600, 0, -600, 0])
})
