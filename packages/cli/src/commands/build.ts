import { join, resolve } from 'node:path'
import { loadApp } from '@thaw/app'
import { buildApp, formatBytes } from '@thaw/deploy'
import { type Command, textValue } from '../command.ts'
import { table } from '../help.ts'

export const command: Command = {
  summary: 'Package every function as the zip that Lambda runs',
  usage: 'thaw build [DIR] [--out DIR] [--json]',
  options: {
    out: { type: 'string', value: 'DIR', help: 'where the zips go; <app>/.thaw/build when absent' },
    json: { type: 'boolean', help: 'print everything about the packages as JSON' },
  },
  async run([directory = '.'], values, io) {
    const loaded = await loadApp(resolve(io.directory, directory))
    const out = textValue(values, 'out')
    const outDir = out === null ? join(loaded.root, '.thaw', 'build') : resolve(io.directory, out)
    const result = await buildApp(loaded, { outDir })
    for (const warning of result.warnings) io.err(`warning: ${warning}`)
    if (values.json === true) {
      io.out(JSON.stringify(result, null, 2))
      return
    }
    for (const fn of [...result.functions, ...(result.maintenance === null ? [] : [result.maintenance])]) {
      io.out(`${fn.name}: ${formatBytes(fn.bytes)} zipped, ${formatBytes(fn.unzippedBytes)} unzipped`)
      const rows = fn.dependencies.map(({ name, bytes }): [string, string] => [name, formatBytes(bytes)])
      for (const line of table(rows)) io.out(line)
      io.out(`  ${fn.zip}`)
    }
  },
}
