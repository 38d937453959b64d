import type { Connection } from './connection.ts'
import { HandleClosedError, ReadInterruptedError } from './errors.ts'
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
        return connection.execute(sql, parameters)
      },
    },
    end() {
      open = false
    },
  }
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
