import type { LoadedApp } from '@thaw/app'
import type { BuildResult } from '../build/model.ts'
import type { SynthOptions, SynthResult } from './model.ts'
import { checkDeployment } from './names.ts'

/**
 * Writes the CloudFormation template of a packaged application, and its assets, as a CDK cloud assembly. Works
 * offline and without credentials; the same input gives the same template. Throws `SynthError`; then nothing
 * was written.
 */
export async function synthApp(
  loaded: LoadedApp,
  build: BuildResult,
  options: SynthOptions,
): Promise<SynthResult> {
  checkDeployment(loaded, build, options.stage)
  // The CDK takes a second to load and nothing else needs it.
  const { synthStack } = await import('./stack.ts')
  return synthStack(loaded, build, options)
}
