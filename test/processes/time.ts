/** A moment in the one order of all processes of this machine: its monotonic clock, ns since it was started. */
export function monotonic(): number {
  return Number(process.hrtime.bigint())
}
