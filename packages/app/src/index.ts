export type {
  AppDefinition,
  FunctionDeclaration,
  FunctionOptions,
  HttpDeclaration,
  HttpOptions,
  QueueDeclaration,
  QueueOptions,
  ScheduleDeclaration,
  ScheduleOptions,
  SocketDeclaration,
  SocketOptions,
  SqliteDeclaration,
  SqliteOptions,
} from './declare.ts'
export { http, queue, schedule, socket, sqlite } from './declare.ts'
export { defineApp } from './define.ts'
export { durabilityQuery } from './durability.ts'
export type { ConfigErrorCode, Problem } from './errors.ts'
export { ConfigError } from './errors.ts'
export type { LoadOptions } from './load.ts'
export { loadApp } from './load.ts'
export { MAINTENANCE_NAME } from './maintenance.ts'
export type { RouteMatch } from './match.ts'
export { matchRoute } from './match.ts'
export type {
  App,
  AppFunction,
  DatabaseDefinition,
  DefaultRoute,
  FunctionBase,
  HttpFront,
  HttpFunction,
  Layer,
  LoadedApp,
  Method,
  PathRoute,
  QueueDefinition,
  QueueFunction,
  Route,
  ScheduleFunction,
  SocketFunction,
  SqliteDefinition,
} from './model.ts'
export { fronts } from './model.ts'
export { queueUrlVariable } from './queue-url.ts'
export { parseRoute } from './route.ts'
export { nextTime } from './schedule/schedule.ts'
export { functionVariables } from './variables.ts'
