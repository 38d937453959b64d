/** Bytes of an event or of a buffered answer: 6 MB and some room for its envelope, as Lambda's own message says. */
export const payloadLimitBytes = 6_291_556

/** Bytes of a streamed answer. */
export const streamLimitBytes = 200 * 1024 * 1024

/** Bytes of an unpacked package. */
export const packageLimitBytes = 250 * 1024 * 1024

/** How long an environment may initialise. */
export const initTimeoutMs = 10_000

/** How long one of provisioned concurrency may, unless the function's own time limit is longer. */
export const provisionedInitTimeoutMs = 130_000

/** How long a process may take to end after SIGTERM, when it has an internal extension. */
export const shutdownMs = 500

/** How long all of an environment may take to end when it has an external extension. */
export const externalShutdownMs = 2000

/** How much of this the runtime may take. */
export const runtimeShareMs = 300

/** After how long without a request an environment is shut down. Lambda does not say: minutes to hours. */
export const idleMs = 5 * 60_000

/** How long a Web Function may take to end after SIGTERM. */
export const webShutdownMs = 1000

/** What every environment of a Web Function has, which is no setting of the function. */
export const webMemoryMb = 2048
export const webTemporaryMb = 512
