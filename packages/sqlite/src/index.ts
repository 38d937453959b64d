export type { Clock } from './clock.ts'
export { systemClock } from './clock.ts'
export { openSqlite } from './database.ts'
export {
  CommitUnknownError,
  ConflictError,
  DatabaseClosedError,
  HandleClosedError,
  HistoryChangedError,
  NestedUseError,
  ReadInterruptedError,
  RestoreError,
  SqliteStoreError,
} from './errors.ts'
export type { OpenOptions } from './options.ts'
export type {
  AtomicOptions,
  Invocation,
  OpenTransaction,
  Reader,
  Row,
  SqliteDatabase,
  SqlValue,
  StatementResult,
  Transaction,
} from './types.ts'
