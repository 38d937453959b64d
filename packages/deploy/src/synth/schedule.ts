import type { ScheduleFunction } from '@thaw/app'
import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'

/** How long a run may be late: beyond that it is dropped, as Lambda does with events by itself. */
const latest = Duration.hours(6)

/**
 * A rule of EventBridge that invokes the function, and no schedule of its Scheduler: a rule's event has an id that stays the
 * same however often it is delivered, so that `once` can tell; and the function's own policy admits it, without another role.
 *
 * What is not delivered is tried again for six hours; a run that failed is repeated twice by Lambda.
 */
export function createSchedule(
  scope: Construct,
  ruleName: string,
  { name, schedule, enabled }: ScheduleFunction,
  target: IFunction,
): void {
  target.configureAsyncInvoke({ retryAttempts: 2, maxEventAge: latest })
  new Rule(scope, `${name}Rule`, {
    ruleName,
    description: `Runs ${ruleName}`,
    schedule: Schedule.expression(schedule),
    enabled,
    targets: [new LambdaFunction(target, { retryAttempts: 185, maxEventAge: latest })],
  })
}
