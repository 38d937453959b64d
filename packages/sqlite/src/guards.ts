import { constants } from 'node:sqlite'
import { StatementRefusedError } from './errors.ts'

/**
 * Which statements an application may run. Refused is what would break the copy, and what would seem to work and
 * silently not hold: settings of one connection are gone when the copy is opened again, which any commit of another
 * writer can bring about. SQLite asks while it prepares a statement, so what is refused has done nothing.
 */

/** What the connection is there for. */
export type Access = 'read' | 'write'

/** Pragmas whose argument only says what they are asked about. */
const QUESTIONS = [
  'collation_list',
  'compile_options',
  'data_version',
  'database_list',
  'foreign_key_check',
  'foreign_key_list',
  'freelist_count',
  'function_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'module_list',
  'page_count',
  'pragma_list',
  'quick_check',
  'stats',
  'table_info',
  'table_list',
  'table_xinfo',
]

/** Pragmas that change the database itself, so that the change travels, and those that leave nothing behind. */
const LASTING = ['application_id', 'incremental_vacuum', 'optimize', 'shrink_memory', 'user_version']

const FREE = new Set([...QUESTIONS, ...LASTING])

/** Settings that already are so everywhere: asking for them changes nothing. */
const ALREADY_SO: Readonly<Record<string, RegExp>> = {
  foreign_keys: /^(1|on|true|yes)$/i,
  journal_mode: /^wal$/i,
}

const THE_LOG_IS_OURS =
  'what is not in the bucket yet is read from the write-ahead log, which is folded into the file in its own time'
const DURABILITY_IS_THE_BUCKETS =
  'the copy on this machine is disposable, and what is acknowledged is in the bucket: there is nothing to gain'
const DECIDED_AT_CREATION = 'it is decided when the database is created, by the option of openSqlite'
const ONE_CONNECTION =
  'it would hold for one connection, until the copy is opened again, and then silently no longer. Leave it out'

const REASONS: Readonly<Record<string, string>> = {
  auto_vacuum: `${DECIDED_AT_CREATION} \`autoVacuum\``,
  checkpoint_fullfsync: DURABILITY_IS_THE_BUCKETS,
  defer_foreign_keys: 'it holds until the transaction ends. Run it inside atomic()',
  encoding: 'it is decided when the database is created, and is UTF-8',
  foreign_keys:
    'foreign keys are always enforced. To put the check off until the end of a transaction, run ' +
    '`PRAGMA defer_foreign_keys = ON` inside it',
  fullfsync: DURABILITY_IS_THE_BUCKETS,
  journal_mode: 'what goes to the bucket is read from the write-ahead log, so the mode is WAL. Leave it out',
  journal_size_limit: THE_LOG_IS_OURS,
  locking_mode: 'the copy is read and written through several connections at a time. Leave it out',
  page_size: `${DECIDED_AT_CREATION} \`pageSize\``,
  query_only: 'it would stop other transactions from writing. Use read(), which cannot write',
  schema_version: 'SQLite itself counts it, and connections would go on with an old schema. Leave it out',
  synchronous: DURABILITY_IS_THE_BUCKETS,
  wal_autocheckpoint: THE_LOG_IS_OURS,
  wal_checkpoint: THE_LOG_IS_OURS,
  writable_schema: 'it allows the schema to be damaged for everybody. Use ALTER TABLE',
}

const CREATES: ReadonlySet<number> = new Set([
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_TEMP_INDEX,
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
  constants.SQLITE_CREATE_TEMP_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_VTABLE,
])

/**
 * Judges one action of a statement that is being prepared. Arguments are those of SQLite's authorizer:
 * https://www.sqlite.org/c3ref/c_alter_table.html
 * @throws StatementRefusedError
 */
export function guardAction(
  access: Access,
  action: number,
  first: string | null,
  second: string | null,
  schema: string | null,
): void {
  if (action === constants.SQLITE_PRAGMA) guardPragma(access, first ?? '', second, schema)
  else if (action === constants.SQLITE_TRANSACTION) {
    refuse(first ?? '', 'a transaction begins and ends with the function given to atomic(), or with begin()')
  } else if (action === constants.SQLITE_SAVEPOINT) {
    if (access === 'read') {
      refuse('SAVEPOINT', 'there is nothing to roll back in what only reads. Use it inside atomic()')
    }
  } else if (action === constants.SQLITE_ATTACH) {
    refuse(
      'ATTACH',
      'what is in another file does not travel to the bucket. Open it as a database of its own',
    )
  } else if (action === constants.SQLITE_DETACH) {
    refuse('DETACH', 'nothing is ever attached. Leave it out')
  } else if (schema === 'temp' && CREATES.has(action)) {
    refuse(
      `temporary ${first ?? 'schema'}`,
      'what is temporary belongs to one connection, and is gone when the copy is opened again. Use a common ' +
        'table expression (WITH), or an ordinary table and drop it',
    )
  }
}

/**
 * Judges what SQLite does not ask about: whether the text can do anything inside the transaction that it runs in.
 * @throws StatementRefusedError
 */
export function guardText(sql: string): void {
  if (!/vacuum/i.test(sql) || !/^\s*vacuum\b/i.test(withoutComments(sql))) return
  refuse(
    'VACUUM',
    "it runs outside of transactions and into no other file. Run execute('VACUUM') of the database by itself",
  )
}

/** Whether a statement is a plain VACUUM, which SQLite runs only outside of a transaction. */
export function isVacuum(sql: string): boolean {
  return /vacuum/i.test(sql) && /^\s*vacuum(\s+main)?[\s;]*$/i.test(withoutComments(sql))
}

/** @throws StatementRefusedError when a statement by itself would be undone by the end of its own transaction */
export function guardLoneStatement(sql: string): void {
  if (!/^\s*savepoint\b/i.test(sql)) return
  refuse('SAVEPOINT', 'by itself it ends with its own statement. Use it inside atomic()')
}

function guardPragma(access: Access, name: string, argument: string | null, schema: string | null): void {
  const pragma = name.toLowerCase()
  const text = `PRAGMA ${pragma}${argument === null ? '' : ` = ${argument}`}`
  if (argument !== null && schema === 'temp') {
    refuse(text, 'the temporary schema is gone when the copy is opened again')
  }
  if (pragma === 'wal_checkpoint') refuse(text, THE_LOG_IS_OURS)
  if (argument === null || FREE.has(pragma) || ALREADY_SO[pragma]?.test(argument)) return
  if (pragma === 'defer_foreign_keys' && access === 'write') return
  refuse(text, REASONS[pragma] ?? ONE_CONNECTION)
}

function refuse(part: string, reason: string): never {
  throw new StatementRefusedError(`${part} is refused: ${reason}`)
}

/** The text with a blank for each comment; comment signs inside of strings count as well. */
export function withoutComments(sql: string): string {
  return sql.replace(/--.*|\/\*[\s\S]*?\*\//g, ' ')
}
