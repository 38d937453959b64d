export type {
  AppDefinition,
  HttpDeclaration,
  HttpOptions,
  SqliteDeclaration,
  SqliteOptions,
} from './declare.ts'
export { http, sqlite } from './declare.ts'
export { defineApp } from './define.ts'
export { durabilityQuery } from './durability.ts'
export type { ConfigErrorCode, Problem } from './errors.ts'
export { ConfigError } from './errors.ts'
export { loadApp } from './load.ts'
export { MAINTENANCE_NAME } from './maintenance.ts'
export type { RouteMatch } from './match.ts'
export { matchRoute } from './match.ts'
export type {
  App,
  AppFunction,
  DatabaseDefinition,
  DefaultRoute,
  HttpFunction,
  LoadedApp,
  Method,
  PathRoute,
  Route,
  SqliteDefinition,
} from './model.ts'
export { parseRoute } from './route.ts'
