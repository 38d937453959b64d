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
export { MAINTENANCE_KEYS } from './maintenance/rights.ts'
export { openSqlite } from './open.ts'
export {
  type Adoption,
  adoptDatabase,
  adoptionOf,
  type WholeFile,
} from './operations/adopt.ts'
export {
  CHECK_PARTS,
  type CheckOptions,
  type CheckPart,
  type CheckResult,
  checkDatabase,
  DEFAULT_CHECK_PARTS,
} from './operations/check.ts'
export type { CreatedDatabase } from './operations/create.ts'
export { type ExportResult, exportDatabase } from './operations/export.ts'
export { type ForkedDatabase, forkDatabase } from './operations/fork.ts'
export { importDatabase } from './operations/import.ts'
export type { Moment } from './operations/moment.ts'
export type { Amount, Progress } from './operations/progress.ts'
export { pullDatabase } from './operations/pull.ts'
export { type PushOptions, pushDatabase } from './operations/push.ts'
export type { Approve, Replacement } from './operations/replace.ts'
export { type RestoredInPlace, type RestoreOptions, restoreInPlace } from './operations/restore-in-place.ts'
export { type DatabaseStatus, type LevelStatus, status } from './operations/status.ts'
export { findWholeFile } from './operations/whole-file.ts'
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
