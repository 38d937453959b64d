import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** An object, without its bytes. */
export interface ObjectRow {
  readonly bucket: string
  readonly key: string
  /** Name of the file that holds the bytes. */
  readonly file: string
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** In ms since the epoch. */
  readonly modifiedAt: number
  /** What comes back with the object, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
}

export interface UploadRow {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly startedAt: number
}

export interface PartRow {
  readonly number: number
  readonly file: string
  readonly size: number
  readonly etag: string
  readonly modifiedAt: number
}

/** What is in the buckets. Everything in it is synchronous, so nothing comes between a condition and its write. */
export type Catalogue = ReturnType<typeof openCatalogue>

type Row = Record<string, SQLInputValue>

/**
 * Opens the catalogue at a path, or makes it. Keys are kept as bytes, so that SQLite sorts them as S3 does: by
 * UTF-8.
 */
export function openCatalogue(path: string) {
  const db = new DatabaseSync(path, { timeout: 10_000 })
  db.exec(`
    pragma journal_mode = wal;
    pragma synchronous = normal;
    create table if not exists buckets (name text primary key, created_at integer not null);
    create table if not exists objects (
      bucket text not null, key blob not null, file text not null, size integer not null, etag text not null,
      modified_at integer not null, headers text not null, primary key (bucket, key)
    ) without rowid;
    create table if not exists uploads (
      id text primary key, bucket text not null, key blob not null, headers text not null, started_at integer not null
    );
    create table if not exists parts (
      upload text not null, number integer not null, file text not null, size integer not null, etag text not null,
      modified_at integer not null, primary key (upload, number)
    ) without rowid;
  `)
  const statements = new Map<string, ReturnType<typeof db.prepare>>()
  const prepared = (sql: string) => {
    const statement = statements.get(sql) ?? db.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const all = (sql: string, ...parameters: SQLInputValue[]) =>
    prepared(sql).all(...parameters) as unknown as Row[]
  const first = (sql: string, ...parameters: SQLInputValue[]) =>
    prepared(sql).get(...parameters) as unknown as Row | undefined
  const run = (sql: string, ...parameters: SQLInputValue[]) => prepared(sql).run(...parameters)

  return {
    /** Runs all of it or, when it throws, none. */
    transaction<T>(work: () => T): T {
      db.exec('begin immediate')
      try {
        const result = work()
        db.exec('commit')
        return result
      } catch (error) {
        db.exec('rollback')
        throw error
      }
    },

    addBucket: (name: string, nowMs: number) =>
      run('insert into buckets values (?, ?) on conflict do nothing', name, nowMs),
    removeBucket: (name: string) => run('delete from buckets where name = ?', name),
    buckets: () =>
      all('select name, created_at from buckets order by name').map((row) => ({
        name: String(row.name),
        createdAt: Number(row.created_at),
      })),

    find(bucket: string, key: string): ObjectRow | null {
      const row = first('select * from objects where bucket = ? and key = ?', bucket, Buffer.from(key))
      return row === undefined ? null : objectOf(row)
    },
    put: (row: ObjectRow) =>
      run(
        'insert or replace into objects values (?, ?, ?, ?, ?, ?, ?)',
        row.bucket,
        Buffer.from(row.key),
        row.file,
        row.size,
        row.etag,
        row.modifiedAt,
        JSON.stringify(row.headers),
      ),
    remove: (bucket: string, key: string) =>
      run('delete from objects where bucket = ? and key = ?', bucket, Buffer.from(key)),
    /** The first objects in order whose keys are in [from, to), or have no end where `to` is null. */
    range(bucket: string, from: Uint8Array, to: Uint8Array | null, limit: number): ObjectRow[] {
      const below = to === null ? '' : 'and key < ?'
      const sql = `select * from objects where bucket = ? and key >= ? ${below} order by key limit ?`
      return all(sql, bucket, from, ...(to === null ? [] : [to]), limit).map(objectOf)
    },

    addUpload: (row: UploadRow) =>
      run(
        'insert into uploads values (?, ?, ?, ?, ?)',
        row.id,
        row.bucket,
        Buffer.from(row.key),
        JSON.stringify(row.headers),
        row.startedAt,
      ),
    upload(id: string): UploadRow | null {
      const row = first('select * from uploads where id = ?', id)
      return row === undefined ? null : uploadOf(row)
    },
    uploads: (bucket: string) =>
      all('select * from uploads where bucket = ? order by key, started_at', bucket).map(uploadOf),
    /** Removes an upload and its parts from the catalogue; their files are the caller's business. */
    removeUpload(id: string): void {
      run('delete from parts where upload = ?', id)
      run('delete from uploads where id = ?', id)
    },
    addPart: (upload: string, { number, file, size, etag, modifiedAt }: PartRow) =>
      run(
        'insert or replace into parts values (?, ?, ?, ?, ?, ?)',
        upload,
        number,
        file,
        size,
        etag,
        modifiedAt,
      ),
    parts: (upload: string): PartRow[] =>
      all('select * from parts where upload = ? order by number', upload).map((row) => ({
        number: Number(row.number),
        file: String(row.file),
        size: Number(row.size),
        etag: String(row.etag),
        modifiedAt: Number(row.modified_at),
      })),

    /** Names of all files that anything needs. */
    files: () =>
      new Set(
        all('select file from objects union all select file from parts').map((row) => String(row.file)),
      ),
    close: () => db.close(),
  }
}

function objectOf(row: Row): ObjectRow {
  return {
    bucket: String(row.bucket),
    key: textOf(row.key),
    file: String(row.file),
    size: Number(row.size),
    etag: String(row.etag),
    modifiedAt: Number(row.modified_at),
    headers: JSON.parse(String(row.headers)),
  }
}

function uploadOf(row: Row): UploadRow {
  return {
    id: String(row.id),
    bucket: String(row.bucket),
    key: textOf(row.key),
    headers: JSON.parse(String(row.headers)),
    startedAt: Number(row.started_at),
  }
}

function textOf(key: SQLInputValue | undefined): string {
  return Buffer.from(key as Uint8Array).toString('utf8')
}
