/** Bytes of an event or of a buffered answer: 6 MB and some room for its envelope, as Lambda's own message says. */
export const payloadLimitBytes = 6_291_556

/** Bytes of an unpacked package. */
export const packageLimitBytes = 250 * 1024 * 1024

/** How long an environment may initialise. */
export const initTimeoutMs = 10_000
