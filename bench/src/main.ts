import { benches } from './benches/index.ts'

// npm run bench [name …] [-- --verbose]: runs all benches, or those whose names begin with one of the names given.

const args = process.argv.slice(2)
const isVerbose = args.includes('--verbose')
const given = args.filter((arg) => arg !== '--verbose')
const matches = (name: string, wanted: string) => name === wanted || name.startsWith(`${wanted}.`)

const names = benches.flatMap((bench) => bench.names)
const unknown = given.filter((wanted) => !names.some((name) => matches(name, wanted)))
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(', ')}. There are: ${names.join(', ')}\n`)
  process.exit(2)
}
const wanted = (name: string) => given.length === 0 || given.some((one) => matches(name, one))
for (const bench of benches) if (bench.names.some(wanted)) await bench.run(wanted, isVerbose)
