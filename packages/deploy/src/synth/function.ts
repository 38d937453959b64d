import type { AppFunction } from '@thaw/app'
import { Duration, Size } from 'aws-cdk-lib'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  type IFunction,
  type ILayerVersion,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { BuiltFunction } from '../build/model.ts'
import { createRole } from './role.ts'
import { ZipCode } from './zip-code.ts'

export interface FunctionOptions {
  /** On Lambda. */
  readonly functionName: string
  readonly definition: Pick<AppFunction, 'name' | 'memoryMb' | 'timeoutSeconds' | 'concurrency'> &
    Partial<Pick<AppFunction, 'temporaryMb' | 'provisioned'>>
  readonly built: BuiltFunction
  readonly environment: Readonly<Record<string, string>>
  /** What it may do besides writing to its own log. */
  readonly statements: readonly PolicyStatement[]
  /** At most five; later ones go over earlier ones. None when absent. */
  readonly layers?: readonly ILayerVersion[]
}

/**
 * A function, its log, and a role of its own that may do what it needs and nothing else.
 *
 * Gives what is to be invoked: the function; or, since environments can be provisioned for a version only, the alias `live`, which
 * leads to the newest.
 */
export function createFunction(scope: Construct, options: FunctionOptions): IFunction {
  const { functionName, definition, built } = options
  const { concurrency, temporaryMb, provisioned = 0 } = definition
  const home = new Construct(scope, definition.name)
  const { role, logGroup } = createRole(home, functionName, options.statements)
  const lambda = new LambdaFunction(home, 'Function', {
    functionName,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: new ZipCode(built),
    handler: built.handler,
    memorySize: definition.memoryMb,
    timeout: Duration.seconds(definition.timeoutSeconds),
    environment: { ...options.environment },
    ...(temporaryMb === undefined ? {} : { ephemeralStorageSize: Size.mebibytes(temporaryMb) }),
    ...(options.layers !== undefined && { layers: [...options.layers] }),
    ...(concurrency === undefined ? {} : { reservedConcurrentExecutions: concurrency }),
    role,
    logGroup,
  })
  if (provisioned === 0) return lambda
  // As a type, an alias's role may be undefined and that of a function may only be absent.
  return lambda.addAlias('live', { provisionedConcurrentExecutions: provisioned }) as IFunction
}
