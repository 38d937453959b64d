import type { CommandGroup } from '../command.ts'

export const command: CommandGroup = {
  summary: 'Look after a database that lives in a bucket: status, check, export, import, fork, maintain',
  usage: 'thaw db COMMAND [OPTIONS]',
  commands: {
    status: {
      summary: 'What the bucket holds, and how far maintenance is behind',
      load: async () => (await import('../db/status.ts')).command,
    },
    check: {
      summary: 'Exercise the persistence end to end, without touching the data',
      load: async () => (await import('../db/check.ts')).command,
    },
    export: {
      summary: 'Write the database, as it is or was, into an ordinary SQLite file',
      load: async () => (await import('../db/export.ts')).command,
    },
    import: {
      summary: 'Make the database of an SQLite file, where there is none yet',
      load: async () => (await import('../db/import.ts')).command,
    },
    fork: {
      summary: 'Make a new database of this one, as it is or was',
      load: async () => (await import('../db/fork.ts')).command,
    },
    maintain: {
      summary: 'Compact, snapshot, and delete what retention allows',
      load: async () => (await import('../db/maintain.ts')).command,
    },
  },
}
