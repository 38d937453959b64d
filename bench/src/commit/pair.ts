import { openSqlite } from '@thaw/sqlite'
import { openStore, type StoredObject } from '@thaw/store'
import { startS3Server, temporaryDirectory } from '@thaw/testing'

/** Until nearly all of the code that takes part is compiled. */
const WARM_UP = 300

/** A commit and the bare PUT beside it: as many bytes to the same server by the same client. */
export interface CommitAndPut extends AsyncDisposable {
  /** A one-row transaction. */
  readonly commit: () => Promise<unknown>
  readonly put: () => Promise<void>
  /** How many bytes each puts. */
  readonly bytes: number
  /** A directory for whatever else takes part. */
  readonly directory: string
}

/**
 * Opens both and warms them up.
 * @param putMs how long the server takes for a PUT
 */
export async function openCommitAndPut(putMs: number): Promise<CommitAndPut> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory('thaw-bench'))
  const server = await startS3Server({ putLatencyMs: putMs })
  stack.defer(() => server.close())
  const store = openStore(server.urlOf('database'), server.env)
  stack.defer(() => store.close())
  const bare = openStore(server.urlOf('bare'), server.env)
  stack.defer(() => bare.close())
  const db = await openSqlite({ store, directory: directory.path })
  stack.defer(() => db.close())

  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
  const commit = () => db.atomic((tx) => tx.execute('INSERT INTO t(v) VALUES (?)', ['one row']))
  for (let i = 0; i < WARM_UP; i++) await commit()
  const last = await lastObject(store)
  let number = 0
  const put = async () => {
    const key = last.key.replace(/[0-9a-f]{16}\.ltx$/, `${(++number).toString(16).padStart(16, '0')}.ltx`)
    const now = Date.now()
    const { outcome } = await bare.put(key, last.body, { ifAbsent: true, timestamp: now, signedAt: now })
    if (outcome !== 'stored') throw new Error(`the bare put ended in '${outcome}'`)
  }
  for (let i = 0; i < WARM_UP; i++) await put()

  const opened = stack.move()
  return {
    commit,
    put,
    bytes: last.body.length,
    directory: directory.path,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function lastObject(store: ReturnType<typeof openStore>): Promise<StoredObject> {
  let last = ''
  for await (const { key } of store.list('0000/')) last = key
  const object = await store.get(last)
  if (!object) throw new Error('the database left no object in the bucket')
  return object
}
