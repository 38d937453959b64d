export { DEFAULT_KEY_LIFETIME_MS } from './answers.ts'
export type { Clock } from './clock.ts'
export { systemClock } from './clock.ts'
export {
  BookmarkError,
  CommitUnknownError,
  ConflictError,
  DatabaseClosedError,
  HandleClosedError,
  HistoryChangedError,
  NestedUseError,
  OperationError,
  type OperationErrorCode,
  PersistError,
  ReadInterruptedError,
  RestoreError,
  SqliteStoreError,
  StatementRefusedError,
  TransactionTimeoutError,
  WriteBehindLostError,
} from './errors.ts'
export type { Source } from './ltx-file.ts'
export { type MaintainOptions, type MaintenanceReport, maintain } from './maintenance/maintain.ts'
export { DEFAULT_POLICY, type MaintenancePolicy } from './maintenance/policy.ts'
export { openSqlite } from './open.ts'
export {
  CHECK_PARTS,
  type CheckOptions,
  type CheckPart,
  type CheckResult,
  checkDatabase,
} from './operations/check.ts'
export type { CreatedDatabase } from './operations/create.ts'
export { type ExportResult, exportDatabase, type Progress } from './operations/export.ts'
export { type ForkedDatabase, forkDatabase } from './operations/fork.ts'
export { importDatabase } from './operations/import.ts'
export type { Moment } from './operations/moment.ts'
export { type DatabaseStatus, type LevelStatus, status } from './operations/status.ts'
export type { Durability, NewDatabase, OpenOptions, WriteBehindSettings } from './options.ts'
export type {
  AroundOptions,
  AtomicOptions,
  Freshness,
  Invocation,
  OpenTransaction,
  Reader,
  ReadOptions,
  Row,
  SqliteDatabase,
  SqlValue,
  StatementResult,
  Transaction,
  WriteBehindControl,
} from './types.ts'
export type { LostObject } from './write-behind/lost.ts'
export type { SetTimer } from './write-behind/schedule.ts'
export { type Persistable, persistOnSignals, type SignalOptions } from './write-behind/signals.ts'
export type { Thresholds } from './write-behind/thresholds.ts'
export type { Persisted, PersistOptions } from './write-behind/write-behind.ts'
