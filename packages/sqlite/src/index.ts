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
  OperationError,
  type OperationErrorCode,
  ReadInterruptedError,
  RestoreError,
  SqliteStoreError,
  StatementRefusedError,
} from './errors.ts'
export type { Source } from './ltx-file.ts'
export { type MaintainOptions, type MaintenanceReport, maintain } from './maintenance/maintain.ts'
export { DEFAULT_POLICY, type MaintenancePolicy } from './maintenance/policy.ts'
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
export type { NewDatabase, OpenOptions } from './options.ts'
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
