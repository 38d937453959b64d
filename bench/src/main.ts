import { type Bench, benches } from './benches/index.ts'

// npm run bench [name …]: runs all benches, or those whose names begin with one of the names given.

const wanted = process.argv.slice(2)
const matches = (bench: Bench, name: string) =>
  bench.names.some((candidate) => candidate === name || candidate.startsWith(`${name}.`))

const unknown = wanted.filter((name) => !benches.some((bench) => matches(bench, name)))
if (unknown.length > 0) {
  const known = benches.flatMap(({ names }) => names).join(', ')
  process.stderr.write(`There is no bench ${unknown.join(', ')}. There are: ${known}\n`)
  process.exit(2)
}
for (const bench of benches) {
  if (wanted.length === 0 || wanted.some((name) => matches(bench, name))) await bench.run()
}
