import type { Account, Liability, Transaction, User } from '../src/schema.ts'
import { KIND_OF_USER } from './life.ts'
import { drawPerson, type Person, toTransaction } from './user.ts'

export interface Dataset {
  users: User[]
  accounts: Account[]
  transactions: Transaction[]
  liabilities: Liability[]
}

/** The whole data set; the same seed gives the same rows in the same order. */
export function drawDataset(seed: string): Dataset {
  const people = KIND_OF_USER.map((_, index) => drawPerson(seed, index))
  return {
    users: people.map(({ user }) => user),
    accounts: people.flatMap(({ accounts }) => accounts),
    transactions: transactionsOf(people),
    liabilities: people.flatMap(({ liabilities }) => liabilities),
  }
}

/** The seed files, by name: a list of rows in JSON, a row on each line. */
export function seedFiles(dataset: Dataset): Map<string, string> {
  const tables = Object.entries({
    users: dataset.users,
    accounts: dataset.accounts,
    transactions: dataset.transactions,
    liabilities: dataset.liabilities,
  })
  return new Map(
    tables.map(([table, rows], index) => [
      `${String(index + 1).padStart(2, '0')}-${table}.json`,
      `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`,
    ]),
  )
}

function transactionsOf(people: readonly Person[]): Transaction[] {
  const all = people.flatMap(({ user, entries }) => entries.map((entry) => ({ entry, userId: user.id })))
  // The sort is stable: lines of one day stay in the order of the users.
  all.sort((a, b) => a.entry.day - b.entry.day)
  return all.map(({ entry, userId }, index) =>
    toTransaction(entry, `txn-${String(index + 1).padStart(5, '0')}`, userId),
  )
}
