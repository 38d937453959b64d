import { DatabaseSync } from 'node:sqlite'
import { contentsOf } from '../packages/sqlite/test/workload.ts'

// Prints everything that Litestream's read extension shows of a database. A process of its own: the extension stays
// in the way of whatever is opened after it.

const [extension = ''] = process.argv.slice(2)
const loader = new DatabaseSync(':memory:', { allowExtension: true })
loader.loadExtension(extension)
const db = new DatabaseSync('file:app.db?vfs=litestream', { readOnly: true })
process.stdout.write(JSON.stringify(contentsOf((sql) => db.prepare(sql).all())))
process.exit()
