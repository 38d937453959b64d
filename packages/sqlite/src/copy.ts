import { join } from 'node:path'
import type { ObjectStore } from '@thaw/store'
import {
  type ChainLink,
  type ChainPosition,
  EMPTY_CHAIN,
  type EncodedLink,
  fits,
  verifyPageSize,
} from './chain.ts'
import type { Clock } from './clock.ts'
import { RestoreError } from './errors.ts'
import type { NewDatabase } from './options.ts'
import { writePages } from './page-file.ts'
import { type Capture, Replica } from './replica.ts'
import { restore } from './restore.ts'
import { becameFull, isFull } from './space.ts'

export interface CopyOptions {
  readonly store: ObjectStore
  readonly clock: Clock
  /** The directory that the copy may fill. */
  readonly directory: string
  readonly description: string
  /** What the copy is made with while the bucket holds nothing. */
  readonly newDatabase: NewDatabase
  /** How long readers may hold up a change, ms. */
  readonly readPatienceMs: number
}

/** The local copy and the transaction that it holds. Changes it between readers, who find it whole or not at all. */
export class Copy {
  readonly #options: CopyOptions
  #replica: Replica | null = null
  #position = EMPTY_CHAIN
  #identity: bigint | null = null
  #closedToReaders: Promise<void> | null = null
  #readerLeft: (() => void) | null = null

  constructor(options: CopyOptions) {
    this.#options = options
  }

  /** Null before the first `restore` and after `discard`. */
  get replica(): Replica | null {
    return this.#replica
  }

  /** The last transaction in it, also after it was discarded. */
  get position(): ChainPosition {
    return this.#position
  }

  /** Which database it is of: the file checksum of transaction 1; null where that is not known. */
  get identity(): bigint | null {
    return this.#identity
  }

  /** Whether an identity is that of the copy. One that is not known cannot be held against it. */
  isOf(identity: bigint | null): boolean {
    return fits(identity, this.#identity)
  }

  /** Whether it is there, and nobody is changing it. */
  get isOpen(): boolean {
    return this.#replica !== null && !this.#closedToReaders
  }

  /** While it is being changed: resolves when it is open again. */
  get closedToReaders(): Promise<void> | null {
    return this.#closedToReaders
  }

  /** Makes it anew from the bucket. */
  async restore(): Promise<void> {
    const { store, description, newDatabase } = this.#options
    const { identity, ...position } = await restore({ store, description }, this.#path)
    this.#replica = new Replica(this.#path, newDatabase)
    this.#moveTo(position, identity)
  }

  /** What was captured has been published as `link`; null when that changes nothing. */
  accept(capture: Capture | null, link: EncodedLink): void {
    if (capture) this.#open.publish(capture)
    this.#moveTo(link, link.txid === 1 ? link.checksum : this.#identity)
  }

  /**
   * Undoes what is not published and applies transactions, which follow `position`. After an error it is worth
   * nothing.
   */
  async apply(unpublished: Capture | null, links: readonly ChainLink[]): Promise<void> {
    const last = links.at(-1)
    if (!unpublished && !last) return
    let reopen = () => {}
    this.#closedToReaders = new Promise((resolve) => {
      reopen = resolve
    })
    try {
      await this.#drainReaders()
      if (this.#position.txid === 0 && last) this.#replaceEmpty(links)
      else {
        for (const link of links) verifyPageSize(this.#open.pageSize, link, this.#options.description)
        this.#open.rewrite(unpublished, links)
      }
      const first = links[0]
      if (last) this.#moveTo(last, first?.txid === 1 ? first.checksum : this.#identity)
    } catch (error) {
      this.discard()
      const { description, directory } = this.#options
      throw isFull(error)
        ? new RestoreError('RESTORE_NO_SPACE', becameFull(description, directory), error)
        : error
    } finally {
      this.#closedToReaders = null
      reopen()
    }
  }

  /** Tells that a snapshot was given back. */
  readerLeft(): void {
    this.#readerLeft?.()
  }

  discard(): void {
    this.#replica?.discard()
    this.#replica = null
  }

  /** Forgets the transaction that the discarded copy held. */
  forget(): void {
    this.#moveTo(EMPTY_CHAIN, null)
  }

  #moveTo({ txid, checksum, timestamp }: ChainPosition, identity: bigint | null): void {
    this.#position = { txid, checksum, timestamp }
    this.#identity = identity
  }

  get #path(): string {
    return join(this.#options.directory, 'replica.db')
  }

  get #open(): Replica {
    if (!this.#replica) throw new Error(`${this.#options.description} has no local copy yet`)
    return this.#replica
  }

  /** A copy of nothing has nothing to keep, not even its page size. */
  #replaceEmpty(links: readonly ChainLink[]): void {
    this.discard()
    for (const link of links) {
      verifyPageSize(links[0]?.pageSize ?? 0, link, this.#options.description)
      writePages(this.#path, link.pageSize, link.pages, link.pageCount)
    }
    this.#replica = new Replica(this.#path, this.#options.newDatabase)
  }

  /** Waits for open snapshots, for a bounded time; those still open then are taken away. */
  async #drainReaders(): Promise<void> {
    if (this.#open.openSnapshots === 0) return
    const { clock, readPatienceMs } = this.#options
    try {
      const timeout = clock.sleep(readPatienceMs).then(() => 'timeout')
      while (this.#open.openSnapshots > 0) {
        const left = new Promise<string>((resolve) => {
          this.#readerLeft = () => resolve('left')
        })
        if ((await Promise.race([left, timeout])) === 'timeout') break
      }
    } finally {
      this.#readerLeft = null
    }
  }
}
