export type {
  AroundOptions,
  Durability,
  Freshness,
  Invocation,
  Persisted,
  PersistOptions,
  Thresholds,
  WriteBehindControl,
  WriteBehindSettings,
} from '@thaw/sqlite'
export { type Persistable, persistOnSignals, type SignalOptions } from '@thaw/sqlite/signals'
export { type ConnectOptions, connect, type Environment } from './connect.ts'
export { type AtomicOptions, Database } from './database.ts'
export type { Adopt } from './engines/bucket/adopt.ts'
export {
  BusyError,
  ClosedError,
  CommitUnknownError,
  ConfigError,
  ConflictError,
  ConnectError,
  ConnectionLostError,
  DatabaseError,
  KeyError,
  MigrationError,
  NestedUseError,
  OpenError,
  ParameterError,
  SeedError,
  StatementError,
  TransactionAbortedError,
  TransactionEndedError,
} from './errors.ts'
export type { Preparation } from './migrate/prepare.ts'
export type { EngineName } from './url.ts'
