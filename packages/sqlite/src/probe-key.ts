/** The empty object that proves that the store honours the condition; nothing else uses the name. */
export const PROBE_KEY = 'thaw/conditional-put'
