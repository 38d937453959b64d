/** The runtime's own `fetch`, which loads the runtime's own classes when it is called. Reading it loads nothing. */
export const nativeFetch: typeof fetch = globalThis.fetch

/** The runtime's own `Response`, which is loaded for it. */
export async function nativeResponse(): Promise<typeof globalThis.Response> {
  const response = await nativeFetch('data:,')
  return response.constructor as typeof globalThis.Response
}
