import { type MaintenancePolicy, maintain } from '../src/index.ts'
import type { Bucket } from './bucket.ts'
import type { Environment } from './environment.ts'
import type { Scheduler } from './scheduler.ts'

/**
 * One run of maintenance in an environment.
 * @throws what it must not end with
 */
export async function maintainOnce(
  environment: Environment,
  bucket: Bucket,
  scheduler: Scheduler,
  policy: MaintenancePolicy,
): Promise<void> {
  const source = { store: bucket.connect(environment), description: environment.name }
  try {
    const { created, deleted } = await maintain(source, { policy })
    scheduler.note(`${environment.name} made ${created.join()} and deleted ${deleted.join()}`)
  } catch (error) {
    scheduler.note(`${environment.name} could not maintain: ${error}`)
    if (!mayFail(error)) throw error
  }
}

/** Whether maintenance may end with that: the bucket could not be reached, or another run was faster. */
function mayFail(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'StoreError' || /was listed and is gone|was being created by another/.test(error.message)
  )
}
