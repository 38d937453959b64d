import type { ClockShift } from './runtime-api.ts'

/** Is told what happens in one environment, at once. */
export interface EnvironmentObserver {
  /** Variables for its runtimes, over the function's own. */
  readonly variables: Readonly<Record<string, string>>
  /** A runtime is being started. */
  starting(): void
  /** The start has come to its end, well or not. */
  started(): void
  /** An invocation is to be done next, or a request when it has room for several. */
  assigned(requestId: string): void
  /** It begins with an invocation or a request. Gives what its clock does, and by how much its deadline is later. */
  deliver(requestId: string): { readonly clock?: ClockShift; readonly aheadMs: number }
  /** A streamed answer has begun. */
  streaming(requestId: string): void
  /** It has nothing more to do with it: frozen, or at the next one. */
  finished(requestId: string): void
  /** Nothing of it is left. */
  ended(): void
}
