export {
  InvalidContextError,
  InvalidResponseError,
  MalformedEventError,
  NotHttpEventError,
  RequestRefusedError,
  ResponseTooLargeError,
  ServeConfigError,
} from './errors.ts'
export type { ApiGatewayV2Response } from './fronts/http-v2/answer.ts'
export type { HttpV2Event, HttpV2RequestContext } from './fronts/http-v2/event.ts'
export { getInvocation, type Invocation, type LambdaContext } from './invocation.ts'
export type { LoggedError, LogRecord } from './log.ts'
export type { Participant } from './participant.ts'
export {
  type FetchApp,
  type FetchHandler,
  type HttpHandler,
  type LambdaEnv,
  type ServeOptions,
  serve,
} from './serve.ts'
