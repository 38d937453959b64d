/** The reason phrase of a status, `OK` for 200; `Unknown` for a status that has none. */
export function statusText(status: number): string {
  // An `import` of node:http loads all of fetch with it; this does not.
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? 'Unknown'
}
