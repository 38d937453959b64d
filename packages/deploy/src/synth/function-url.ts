import type { HttpFunction } from '@thaw/app'
import { FunctionUrlAuthType, type IFunction, InvokeMode } from 'aws-cdk-lib/aws-lambda'

/** An address of the function's own that anyone may use: who the caller is, is up to the application. */
export function addFunctionUrl({ stream }: HttpFunction, target: IFunction): string {
  const { url } = target.addFunctionUrl({
    authType: FunctionUrlAuthType.NONE,
    invokeMode: stream ? InvokeMode.RESPONSE_STREAM : InvokeMode.BUFFERED,
  })
  return url
}
