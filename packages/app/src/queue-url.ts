/**
 * The variable that holds the address of a function's queue: `WORKER_QUEUE_URL` for `worker`, `WEEKLY_RECAP_QUEUE_URL`
 * for `weeklyRecap` and `weekly-recap`.
 */
export function queueUrlVariable(functionName: string): string {
  const words = functionName.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('-', '_')
  return `${words.toUpperCase()}_QUEUE_URL`
}
