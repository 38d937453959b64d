import type { HttpFunction } from '@thaw/app'
import { Validations } from 'aws-cdk-lib'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { CfnWebFunction, CfnWebFunctionEndpoint, CfnWebFunctionRevision } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { BuiltFunction } from '../build/model.ts'
import { createRole } from './role.ts'
import { ZipCode } from './zip-code.ts'

/**
 * A Web Function: a server of its own, that Lambda starts and sends any number of requests to. Gives its address.
 *
 * Lambda decides how much memory it has. Each change makes another revision, and then the endpoint leads there.
 */
export function createWebFunction(
  scope: Construct,
  options: {
    readonly functionName: string
    readonly definition: HttpFunction
    readonly built: BuiltFunction
    readonly environment: Readonly<Record<string, string>>
    readonly statements: readonly PolicyStatement[]
  },
): string {
  const { functionName, definition, built, environment } = options
  const home = new Construct(scope, definition.name)
  // The CDK has these resources, and its validator does not know them yet.
  Validations.of(home).acknowledge({
    id: 'CloudFormation-Validate::F3006',
    reason: 'resources of Web Functions are newer than the validator',
  })
  const { role, logGroup } = createRole(home, functionName, options.statements)
  const { s3Location } = new ZipCode(built).bind(home)
  if (s3Location === undefined) throw new Error('a zip has a place in the asset bucket')
  const webFunction = new CfnWebFunction(home, 'WebFunction', { functionName })
  const revision = new CfnWebFunctionRevision(home, 'Revision', {
    functionName: webFunction.ref,
    buildConfig: {
      codeConfig: { s3Object: { bucket: s3Location.bucketName, key: s3Location.objectKey } },
      runtimeConfig: { runtime: 'nodejs24.x' },
    },
    serviceConfig: {
      executionRoleArn: role.roleArn,
      // It looks for index.js otherwise.
      environmentVariables: { ...environment, AWS_LAMBDA_NODEJS_ENTRYPOINT: 'index.mjs' },
      maxConcurrencyPerEnvironment: definition.requestsPerEnvironment,
      timeoutSeconds: definition.timeoutSeconds,
      telemetryConfig: { loggingConfig: { logGroup: logGroup.logGroupName } },
    },
  })
  const endpoint = new CfnWebFunctionEndpoint(home, 'Endpoint', {
    functionName: webFunction.ref,
    endpointName: 'live',
    endpointType: 'HomeRegion',
    authType: 'ApplicationManaged',
    revisionWeights: [{ revisionId: revision.attrRevisionId, weight: 100 }],
  })
  return `https://${endpoint.attrDomainName}/`
}
