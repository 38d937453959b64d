import type { OpenTransaction, Transaction } from './types.ts'

/** Ends an open transaction without a commit. */
const ROLLED_BACK = Symbol('rolled back')

/**
 * A transaction that its caller ends, of the way to run one that ends with its function.
 * @param transact runs a function in a transaction; what it resolves with is settled when that is
 */
export function openTransaction(
  transact: (fn: (tx: Transaction) => Promise<void>) => Promise<void>,
): Promise<OpenTransaction> {
  return new Promise((opened, failed) => {
    const done = transact(
      (tx) =>
        new Promise<void>((commit, rollBack) => {
          opened({
            execute: (sql, parameters) => tx.execute(sql, parameters),
            commit: () => {
              commit()
              return done
            },
            rollback: () => {
              rollBack(ROLLED_BACK)
              return done.catch(() => undefined)
            },
          })
        }),
    )
    done.catch(failed)
  })
}
