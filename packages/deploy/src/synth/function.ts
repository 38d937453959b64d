import type { AppFunction } from '@thaw/app'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { BuiltFunction } from '../build/model.ts'
import { ZipCode } from './zip-code.ts'

export interface FunctionOptions {
  /** On Lambda. */
  readonly functionName: string
  readonly definition: Pick<AppFunction, 'name' | 'memoryMb' | 'timeoutSeconds' | 'concurrency'>
  readonly built: BuiltFunction
  readonly environment: Readonly<Record<string, string>>
  /** What it may do besides writing to its own log. */
  readonly statements: readonly PolicyStatement[]
}

/** A function, its log, and a role of its own that may do what it needs and nothing else. */
export function createFunction(scope: Construct, options: FunctionOptions): LambdaFunction {
  const { functionName, definition, built } = options
  const home = new Construct(scope, definition.name)
  const logGroup = new LogGroup(home, 'Log', {
    logGroupName: `/aws/lambda/${functionName}`,
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const writeLog = new PolicyStatement({
    effect: Effect.ALLOW,
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [logGroup.logGroupArn],
  })
  const role = new Role(home, 'Role', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: { needs: new PolicyDocument({ statements: [writeLog, ...options.statements] }) },
  })
  return new LambdaFunction(home, 'Function', {
    functionName,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: new ZipCode(built),
    handler: built.handler,
    memorySize: definition.memoryMb,
    timeout: Duration.seconds(definition.timeoutSeconds),
    environment: { ...options.environment },
    ...(definition.concurrency === undefined ? {} : { reservedConcurrentExecutions: definition.concurrency }),
    role,
    logGroup,
  })
}
