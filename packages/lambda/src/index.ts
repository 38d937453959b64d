import './fetch/install.ts'

export type { App, OwnApp } from './apps/app.ts'
export type { Application, LambdaEnv } from './apps/application.ts'
export type { FetchApp, FetchHandler } from './apps/fetch.ts'
export { type FastifyApp, nodeListener, type RequestListener } from './apps/listener/listener.ts'
export {
  AwsCallError,
  ConnectionError,
  DeadlineError,
  InvalidBodyError,
  InvalidContextError,
  InvalidResponseError,
  MalformedEventError,
  NotHttpEventError,
  NotQueueEventError,
  NotSocketEventError,
  RequestRefusedError,
  ResponseTooLargeError,
  SecretError,
  ServeConfigError,
  StreamClosedError,
} from './errors.ts'
export { type Atomic, once } from './events/once.ts'
export type { Schema } from './events/schema.ts'
export type { AlbEvent, AlbResponse } from './fronts/alb/event.ts'
export type { FrontAnswer, HttpEvent } from './fronts/exchange.ts'
export type { ApiGatewayV2Response, HttpV2Event, HttpV2RequestContext } from './fronts/http-v2/event.ts'
export type { LatticeV2Event, LatticeV2RequestContext, LatticeV2Response } from './fronts/lattice-v2/event.ts'
export type { ApiGatewayV1Response, RestV1Event, RestV1RequestContext } from './fronts/rest-v1/event.ts'
export type { CorsOptions } from './http/cors.ts'
export type { ClientCertificate, IamIdentity, Identity } from './identity.ts'
export { getInvocation, type HttpInvocation, type Invocation, type LambdaContext } from './invocation.ts'
export type { LoggedError, LogLine, LogRecord, MessageRecord } from './log.ts'
export { type MetricsOptions, metrics } from './metrics/metrics.ts'
export type { ServeOptions } from './options.ts'
export type { AroundOptions, Participant } from './participant.ts'
export type { Message, SqsAttribute, SqsRecord } from './queue/message.ts'
export { type BatchResponse, type QueueHandler, type QueueOptions, queue } from './queue/queue.ts'
export {
  type ScheduledEvent,
  type ScheduleHandler,
  type ScheduleOptions,
  schedule,
} from './schedule/schedule.ts'
export { createSecrets, parameter, type SecretOptions, type Secrets, secret } from './secrets/secrets.ts'
export { type HttpHandler, serve } from './serve.ts'
export { initialised } from './shutdown/shutdown.ts'
export {
  type Broadcast,
  type Connections,
  type ConnectionsOptions,
  createConnections,
  everybody,
} from './socket/connections.ts'
export type { SocketEvent } from './socket/event.ts'
export {
  type ConnectionRegistry,
  memoryRegistry,
  registryTable,
  type SqlExecutor,
  type SqlRegistryOptions,
  sqlRegistry,
} from './socket/registry.ts'
export {
  type SocketHandler,
  type SocketHandlers,
  type SocketOptions,
  type SocketRecord,
  socket,
} from './socket/socket.ts'
