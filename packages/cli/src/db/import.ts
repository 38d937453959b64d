import { resolve } from 'node:path'
import { formatBytes } from '@thaw/deploy'
import { adoptDatabase, importDatabase, type Source } from '@thaw/sqlite'
import { type ObjectAddress, objectAddress, openStore } from '@thaw/store'
import type { Command } from '../command.ts'
import { hideSecrets } from '../dev/environment.ts'
import { UsageError } from '../errors.ts'
import { progressOn } from './progress.ts'
import { findTarget, jsonOption, type Target, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Make the database of an SQLite file, where there is none yet',
  usage: 'thaw db import FILE|s3://BUCKET/KEY [--url URL] [--app DIR] [--json]',
  options: { ...targetOptions, ...jsonOption },
  async run([file], values, io) {
    if (!file) throw new UsageError(`Which file? Usage: ${this.usage}`)
    const address = objectAddress(file)
    if (address === null && /^\w+:\/\//.test(file)) {
      throw new UsageError(`A file in a bucket is s3://BUCKET/KEY, and not ${hideSecrets(file)}.`)
    }
    const target = await findTarget(values, io)
    await withSource(target, async (source) => {
      const created = address
        ? await importObject(source, address, target)
        : await importDatabase(source, resolve(io.directory, file), progressOn())
      if (values.json === true) io.out(JSON.stringify({ database: source.description, ...created }, null, 2))
      else
        io.out(`${source.description}: ${formatBytes(created.bytes)} in pages of ${created.pageSize} bytes`)
    })
    return 0
  },
}

async function importObject(source: Source, address: ObjectAddress, { environment }: Target) {
  const store = openStore(address.storeUrl, environment)
  try {
    const { key, description } = address
    return await adoptDatabase(source, { store, key, description }, progressOn())
  } finally {
    await store.close()
  }
}
