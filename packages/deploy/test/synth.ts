import type { AppDefinition } from '@thaw/app'
import { buildApp } from '../src/build/build-app.ts'
import { synthApp } from '../src/synth/synth-app.ts'
import type { Workspace } from './project.ts'
import { readTemplate } from './template.ts'

/** What becomes of an application of these functions, whose source is `./src/f.ts`. */
export async function synthFunctions(
  workspace: Workspace,
  functions: AppDefinition['functions'],
  {
    database,
    source = 'export const handler = () => null',
  }: { readonly database?: AppDefinition['database']; readonly source?: string } = {},
) {
  const files = { 'src/f.ts': source }
  const app = { name: 'shop', functions, ...(database === undefined ? {} : { database }) }
  const { loaded, outDir } = await workspace.project(app, files)
  const build = await buildApp(loaded, { outDir })
  const result = await synthApp(loaded, build, { stage: 'dev', outDir: await workspace.folder() })
  return { ...result, template: await readTemplate(result.templateFile) }
}
