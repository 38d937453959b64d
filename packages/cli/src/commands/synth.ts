import { join, resolve } from 'node:path'
import { loadApp } from '@thaw/app'
import { buildApp, synthApp } from '@thaw/deploy'
import { type Command, textValue } from '../command.ts'
import { table } from '../help.ts'

export const command: Command = {
  summary: 'Write the CloudFormation template of the application',
  usage: 'thaw synth [DIR] [--stage NAME] [--out DIR] [--json]',
  options: {
    stage: { type: 'string', value: 'NAME', help: 'what the deployment is for; dev when absent' },
    out: { type: 'string', value: 'DIR', help: 'where the assembly goes; <app>/.thaw/cdk.out when absent' },
    json: { type: 'boolean', help: 'print names and places as JSON' },
  },
  async run([directory = '.'], values, io) {
    const loaded = await loadApp(resolve(io.directory, directory))
    const out = textValue(values, 'out')
    const outDir = out === null ? join(loaded.root, '.thaw', 'cdk.out') : resolve(io.directory, out)
    const build = await buildApp(loaded, { outDir: join(loaded.root, '.thaw', 'build') })
    for (const warning of build.warnings) io.err(`warning: ${warning}`)
    const result = await synthApp(loaded, build, { stage: textValue(values, 'stage') ?? 'dev', outDir })
    if (values.json === true) {
      io.out(JSON.stringify(result, null, 2))
      return
    }
    io.out(`${result.stackName}: ${result.templateFile}`)
    io.out('Functions:')
    for (const line of table(Object.entries(result.functions))) io.out(line)
    const outputs = Object.entries(result.outputs)
    if (outputs.length > 0) io.out('Outputs once deployed:')
    for (const line of table(outputs)) io.out(line)
    io.out(`Deploy: npx cdk deploy --app '${result.assembly}'`)
  },
}
