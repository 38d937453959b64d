import type { HttpFunction } from '@thaw/app'
import { Duration } from 'aws-cdk-lib'
import { EndpointType, LambdaIntegration, ResponseTransferMode, RestApi } from 'aws-cdk-lib/aws-apigateway'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { restMethods } from './rest-routes.ts'

/** A function that answers requests, and what a front invokes for it. */
export interface HttpTarget {
  readonly definition: HttpFunction
  readonly target: IFunction
}

/**
 * A REST API whose methods lead where an HTTP API's routes would. Gives its address, which ends in the stage.
 *
 * Regional, because an edge-optimised API ends a stream that says nothing for 30 s. Every body is bytes to it
 * (`binaryMediaTypes`), or answers in base64 would reach clients as such. A function may be invoked by the whole API: a right for each
 * method would soon be more than a function's policy holds.
 */
export function createRestApi(
  scope: Construct,
  restApiName: string,
  stageName: string,
  targets: readonly HttpTarget[],
): string {
  const api = new RestApi(scope, 'RestApi', {
    restApiName,
    endpointTypes: [EndpointType.REGIONAL],
    binaryMediaTypes: ['*/*'],
    deployOptions: { stageName },
    cloudWatchRole: false,
  })
  const integrations = new Map(
    targets.map(({ definition, target }) => [definition.name, integrationOf(definition, target)] as const),
  )
  const routes = targets.flatMap(({ definition: { name, routes } }) =>
    routes.map((route) => ({ ...route, owner: name })),
  )
  for (const { path, method, owner } of restMethods(routes)) {
    api.root.resourceForPath(path).addMethod(method, integrations.get(owner))
  }
  // Its own output, under a name that no one could know.
  api.node.tryRemoveChild('Endpoint')
  return api.url
}

function integrationOf({ stream, timeoutSeconds }: HttpFunction, target: IFunction): LambdaIntegration {
  return new LambdaIntegration(target, {
    scopePermissionToMethod: false,
    ...(stream && {
      responseTransferMode: ResponseTransferMode.STREAM,
      // 29 s otherwise, also for a stream.
      timeout: Duration.seconds(timeoutSeconds),
    }),
  })
}
