import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { SqsError } from './errors.ts'
import { type Draft, eventBytesOf, type Message, type Received } from './message.ts'

export interface QueueSettings {
  readonly fifo: boolean
  readonly visibilityMs: number
  /** How long a message stays when nobody deletes it, counted from when it was sent. */
  readonly retentionMs: number
  /** How often a message is received before it moves to `queue`; null keeps it for ever. */
  readonly redrive: { readonly tries: number; readonly queue: Queue } | null
}

export interface ReceiveOptions {
  /** 1 to 10. */
  readonly most: number
  /** How long to wait for the first message. */
  readonly waitMs: number
  /** The queue's own when absent. */
  readonly visibilityMs?: number
  /** Takes no more than fit into an event of so many bytes, but one at least. */
  readonly eventBytes?: number
  /** Takes none that does not fit, and waits for no other then. */
  readonly whole?: boolean
  /** Ends the wait; nothing is taken then. */
  readonly signal?: AbortSignal
}

/** How long SQS remembers a deduplication id. */
const deduplicationMs = 5 * 60_000

/**
 * An SQS queue, standard or FIFO, in memory.
 *
 * In a FIFO queue a receive takes as many messages of one group as there are, in order, and a group of which one is
 * hidden gives no more: what comes back comes back in its place. Redrive happens when a message would be received once
 * too often, as on SQS.
 */
export class Queue {
  readonly name: string
  readonly arn: string
  readonly createdAtMs: number
  settings: QueueSettings
  readonly #clock: Clock
  /** In the order of sending. */
  readonly #messages = new Map<string, Message>()
  readonly #sent = new Map<string, { readonly message: Message; readonly atMs: number }>()
  readonly #waiting = new Set<() => void>()
  #sequence = 0n

  constructor(name: string, arn: string, settings: QueueSettings, clock: Clock) {
    this.name = name
    this.arn = arn
    this.settings = settings
    this.#clock = clock
    this.createdAtMs = clock.now()
  }

  /** Puts a message in; one whose deduplication id was sent within five minutes is the first one again. */
  send(draft: Draft): Message {
    const now = this.#clock.now()
    const { deduplicationId } = draft
    if (this.settings.fifo && deduplicationId !== null) {
      for (const [id, { atMs }] of this.#sent) if (now - atMs >= deduplicationMs) this.#sent.delete(id)
      const known = this.#sent.get(deduplicationId)
      if (known !== undefined) return known.message
    }
    const message: Message = {
      ...draft,
      id: randomUUID(),
      sentAtMs: now,
      sequenceNumber: this.settings.fifo ? this.#nextSequence() : null,
      eventBytes: eventBytesOf(draft),
      receiveCount: 0,
      firstReceivedAtMs: null,
      visibleAtMs: now + (draft.delayMs ?? 0),
      receiptHandle: null,
      source: null,
    }
    if (this.settings.fifo && deduplicationId !== null) {
      this.#sent.set(deduplicationId, { message, atMs: now })
    }
    this.#put(message)
    return message
  }

  /** Takes messages that are visible, and hides them. Waits for one, up to `waitMs`; empty when none came. */
  async receive(options: ReceiveOptions): Promise<Received[]> {
    const until = this.#clock.now() + options.waitMs
    for (;;) {
      if (options.signal?.aborted) return []
      const taken = this.#take(options)
      const left = until - this.#clock.now()
      if (taken === null) return []
      if (taken.length > 0 || left <= 0) return taken
      await this.#change(left, options.signal)
    }
  }

  /** Removes a message; one that is gone already is no error. Throws `SqsError` for a handle that is none. */
  delete(receiptHandle: string): void {
    const message = this.#find(receiptHandle)
    if (message?.receiptHandle !== receiptHandle) return
    if (this.settings.fifo && message.visibleAtMs <= this.#clock.now()) {
      throw new SqsError(
        'InvalidParameterValue',
        `Value ${receiptHandle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
      )
    }
    this.#messages.delete(message.id)
    this.#notify()
  }

  /** Hides a message that was received for so long from now on; 0 shows it again. Throws `SqsError`. */
  changeVisibility(receiptHandle: string, ms: number): void {
    const message = this.#find(receiptHandle)
    const now = this.#clock.now()
    if (message?.receiptHandle !== receiptHandle || message.visibleAtMs <= now) {
      throw new SqsError(
        'MessageNotInflight',
        `The message with receipt handle ${receiptHandle} is not in flight.`,
      )
    }
    message.visibleAtMs = now + ms
    this.#notify()
  }

  purge(): void {
    this.#messages.clear()
  }

  /** Everything in it, hidden or not, in the order of sending. */
  messages(): readonly Readonly<Message>[] {
    return [...this.#messages.values()]
  }

  /** How many can be received, are being worked on, and wait for the end of their delay. */
  counts(): { readonly visible: number; readonly hidden: number; readonly delayed: number } {
    const now = this.#clock.now()
    const hidden = this.messages().filter(({ visibleAtMs }) => visibleAtMs > now)
    const delayed = hidden.filter(({ receiptHandle }) => receiptHandle === null).length
    return { visible: this.#messages.size - hidden.length, hidden: hidden.length - delayed, delayed }
  }

  /** Null when there is one, but none that fits. */
  #take(options: ReceiveOptions): Received[] | null {
    const { most, visibilityMs = this.settings.visibilityMs, eventBytes = Infinity, whole = false } = options
    const now = this.#clock.now()
    const blocked = new Set<string | null>()
    const taken: Received[] = []
    let bytes = 0
    for (const message of this.#messages.values()) {
      if (taken.length === most) break
      if (now - message.sentAtMs >= this.settings.retentionMs) {
        this.#messages.delete(message.id)
        continue
      }
      if (this.settings.fifo && blocked.has(message.groupId)) continue
      if (message.visibleAtMs > now) {
        blocked.add(message.groupId)
        continue
      }
      if (this.#redrive(message)) continue
      bytes += message.eventBytes
      if (bytes > eventBytes && (whole || taken.length > 0)) return taken.length === 0 ? null : taken
      message.receiveCount++
      message.firstReceivedAtMs ??= now
      message.visibleAtMs = now + visibilityMs
      message.receiptHandle = makeHandle(message.id)
      taken.push({ ...message, receiptHandle: message.receiptHandle })
    }
    return taken
  }

  #redrive(message: Message): boolean {
    const { redrive } = this.settings
    if (redrive === null || message.receiveCount < redrive.tries) return false
    this.#messages.delete(message.id)
    redrive.queue.#put({ ...message, visibleAtMs: 0, receiptHandle: null, source: this.arn })
    return true
  }

  #put(message: Message): void {
    this.#messages.set(message.id, message)
    this.arrived?.(message)
    this.#notify()
  }

  /** Is told of every message that comes in. */
  arrived: ((message: Readonly<Message>) => void) | null = null

  #find(receiptHandle: string): Message | undefined {
    return this.#messages.get(readHandle(receiptHandle))
  }

  #nextSequence(): string {
    return (firstSequence + this.#sequence++ * 256n).toString()
  }

  #notify(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Resolves when something may have changed: a message came or went, or the next hidden one shows. */
  async #change(mostMs: number, outer: AbortSignal | undefined): Promise<void> {
    const now = this.#clock.now()
    let ms = mostMs
    for (const { visibleAtMs } of this.#messages.values()) {
      if (visibleAtMs > now) ms = Math.min(ms, visibleAtMs - now)
    }
    const awake = new AbortController()
    const wake = () => awake.abort()
    this.#waiting.add(wake)
    outer?.addEventListener('abort', wake)
    try {
      await this.#clock.sleep(ms, awake.signal)
    } catch (error) {
      if (!awake.signal.aborted) throw error
    } finally {
      this.#waiting.delete(wake)
      outer?.removeEventListener('abort', wake)
    }
  }
}

/** SQS's numbers have 20 digits and grow by more than one. */
const firstSequence = 18_849_496_460_467_696_128n

function makeHandle(id: string): string {
  return Buffer.from(`${id} ${randomUUID()}`).toString('base64')
}

/** The id of the message that a handle belongs to. */
function readHandle(handle: string): string {
  const [id = '', nonce] = Buffer.from(handle, 'base64').toString('latin1').split(' ')
  if (id.length === 36 && nonce?.length === 36) return id
  throw new SqsError(
    'ReceiptHandleIsInvalid',
    `The input receipt handle "${handle}" is not a valid receipt handle.`,
  )
}
