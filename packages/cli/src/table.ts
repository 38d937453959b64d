import type { CommandTable } from './command.ts'

/** Every command. Summaries are repeated here so that `thaw --help` loads none; a test holds the two together. */
export const commands: CommandTable = {
  dev: {
    summary: 'Run the application on this machine, in real isolated environments',
    load: async () => (await import('./commands/dev.ts')).command,
  },
  invoke: {
    summary: 'Invoke a function of the running thaw dev, or run it once without one',
    load: async () => (await import('./commands/invoke.ts')).command,
  },
  build: {
    summary: 'Package every function as the zip that Lambda runs',
    load: async () => (await import('./commands/build.ts')).command,
  },
  synth: {
    summary: 'Write the CloudFormation template of the application',
    load: async () => (await import('./commands/synth.ts')).command,
  },
  db: {
    summary: 'Look after a database that lives in a bucket: look, restore, copy, maintain',
    load: async () => (await import('./commands/db.ts')).command,
  },
}
