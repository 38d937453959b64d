import { MAINTENANCE_NAME } from '@thaw/app'
import { Duration } from 'aws-cdk-lib'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { Construct } from 'constructs'
import type { BuiltFunction } from '../build/model.ts'
import { createFunction } from './function.ts'
import { functionNameOf } from './names.ts'
import type { Storage } from './storage.ts'

/** A snapshot passes through it whole, though never held whole: 512 MB bring the processor for it, and the time is the most there is. */
const definition = { name: MAINTENANCE_NAME, memoryMb: 512, timeoutSeconds: 900 }

/**
 * The function that compacts, snapshots and deletes what has expired, and the rule that invokes it: `rate` as
 * EventBridge writes it. Runs may overlap; reserved concurrency would keep them apart, but accounts with a small limit refuse
 * any. A run that fails or is refused is not repeated, because the next one has the same work.
 */
export function createMaintenance(
  scope: Construct,
  stackName: string,
  rate: string,
  built: BuiltFunction,
  storage: Storage,
): void {
  const functionName = functionNameOf(stackName, MAINTENANCE_NAME)
  const lambda = createFunction(scope, {
    functionName,
    definition,
    built,
    environment: { THAW_STORE_URL: storage.storeUrl },
    statements: storage.maintenanceStatements,
  })
  lambda.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) })
  new Rule(scope, 'MaintenanceRule', {
    ruleName: functionName,
    description: `Looks after the database of ${stackName}`,
    schedule: Schedule.expression(rate),
    targets: [
      new LambdaFunction(lambda, {
        event: RuleTargetInput.fromObject({}),
        retryAttempts: 0,
        maxEventAge: Duration.minutes(1),
      }),
    ],
  })
}
