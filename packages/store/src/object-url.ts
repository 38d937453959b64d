/** Where one object is: a store, as `openStore` takes it, and a key in it. */
export interface ObjectAddress {
  readonly storeUrl: string
  readonly key: string
  /** The URL as it may be shown, without parameters. */
  readonly description: string
}

/**
 * Reads the URL of one object, `s3://bucket/folder/name?endpoint=…` or `file:///folder/name`. Null when it names none.
 */
export function objectAddress(url: string): ObjectAddress | null {
  const [, base, search = ''] = /^((?:s3|file):\/\/[^?#]+)(\?[^#]*)?$/i.exec(url) ?? []
  const [, folder, name] = /^(\w+:\/\/[^/]*\/(?:.*\/)?)([^/]+)$/.exec(base ?? '') ?? []
  if (base === undefined || folder === undefined || name === undefined) return null
  try {
    return { storeUrl: folder + search, key: decodeURIComponent(name), description: base }
  } catch {
    return null
  }
}
