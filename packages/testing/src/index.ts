export { type ManualClock, manualClock } from './clock.ts'
export {
  type Fault,
  type FaultKind,
  type FaultOdds,
  type FaultPlan,
  type FaultyStore,
  type FaultyStoreOptions,
  faultsOfPuts,
  faultyStore,
  randomFaults,
  type StoreCall,
} from './faulty-store.ts'
export { type Latency, latencyStore } from './latency-store.ts'
export { freePort } from './port.ts'
export { type PostgresServer, startPostgres } from './postgres/server.ts'
export { makeProjectBeside, type TestProject } from './project.ts'
export { type SeededRandom, seededRandom } from './random.ts'
export type { ServerFault } from './s3/faults.ts'
export { type S3Server, type S3ServerOptions, startS3Server } from './s3/server.ts'
export { type TemporaryDirectory, temporaryDirectory } from './temporary.ts'
