import type { CommandGroup } from '../command.ts'

export const command: CommandGroup = {
  summary: 'Look after a database that lives in a bucket: look, restore, copy, maintain',
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
    pull: {
      summary: 'Bring the database into a local SQLite file, to look at and to push back',
      load: async () => (await import('../db/pull.ts')).command,
    },
    push: {
      summary: 'Make the database what a file that was pulled says now, as a new transaction',
      load: async () => (await import('../db/push.ts')).command,
    },
    restore: {
      summary: 'Give the database a state of the past again, as a new transaction',
      load: async () => (await import('../db/restore.ts')).command,
    },
    fork: {
      summary: 'Make a new database of this one, as it is or was',
      load: async () => (await import('../db/fork.ts')).command,
    },
    export: {
      summary: 'Write the database, as it is or was, into an ordinary SQLite file',
      load: async () => (await import('../db/export.ts')).command,
    },
    import: {
      summary: 'Make the database of an SQLite file, where there is none yet',
      load: async () => (await import('../db/import.ts')).command,
    },
    maintain: {
      summary: 'Compact, snapshot, and delete what retention allows',
      load: async () => (await import('../db/maintain.ts')).command,
    },
  },
}
