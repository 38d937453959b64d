import type { Connection } from './connection.ts'
import { HandleClosedError, ReadInterruptedError, SqliteStoreError } from './errors.ts'
import type { Snapshot } from './replica.ts'
import type { Reader, Transaction } from './types.ts'

/** A handle that its function is lent, and how to take it back. */
export interface Lent<T> {
  readonly handle: T
  end(): void
}

export function lendTransaction(connection: Connection): Lent<Transaction> {
  let open = true
  return {
    handle: {
      execute(sql, parameters) {
        if (!open)
          throw new HandleClosedError('this transaction has ended: use its handle only inside its function')
        requireTransaction(connection)
        return connection.execute(sql, parameters)
      },
    },
    end() {
      open = false
    },
  }
}

/**
 * A constraint with ON CONFLICT ROLLBACK and RAISE(ROLLBACK) end a transaction from inside. What a function that
 * caught their error wrote afterwards would be kept.
 */
export function requireTransaction(connection: Connection): void {
  if (connection.db.isTransaction) return
  throw new SqliteStoreError(
    'TRANSACTION_ENDED_INSIDE',
    'a statement ended the transaction that it ran in (ON CONFLICT ROLLBACK or RAISE(ROLLBACK)), and everything in ' +
      'it is undone: let its error leave the function',
  )
}

export function lendReader(snapshot: Snapshot): Lent<Reader> {
  let open = true
  return {
    handle: {
      execute(sql, parameters) {
        if (!open) throw new HandleClosedError('this read has ended: use its handle only inside its function')
        if (snapshot.dead) {
          throw new ReadInterruptedError(
            'this read took so long that newer transactions had to be applied: repeat it, in smaller parts',
          )
        }
        return snapshot.connection.execute(sql, parameters)
      },
    },
    end() {
      open = false
    },
  }
}
