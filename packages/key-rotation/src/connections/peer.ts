import b4a from 'b4a'
import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import { decodeEvent } from '../format/event.ts'
import { firstDifference } from '../memory/difference.ts'
import type { IdentityMemory } from '../memory/identity-memory.ts'
import type { Duplicity } from '../memory/types.ts'
import type { Device } from '../state/state.ts'
import { aheadOf } from '../verify.ts'
import type { ConnectionLike, PeerChannel } from './connection.ts'
import { contains, continued, isForked, newestOf, sharedLength, type Tip, tipOf } from './histories.ts'
import { decodeEvents, encodeEvents, type EventsMessage, type Hello } from './messages.ts'
import { MAX_BYTES, tooMuch, Turn } from './turn.ts'

/** Of the newest events that the other side is known to have. */
const MAX_TIPS = 16
/** A side that has lost its place asks for everything: more often than this it is told nothing. */
const MAX_ANSWERS = 4
/** Second histories that make no difference here: each costs a walk over all events. One that has decided otherwise tells one with each event. */
const MAX_FRUITLESS = 16

/** No fault of who brings it. */
const WAITING: readonly KeyRotationErrorCode[] = ['KEY_ROTATION_FORKED', 'KEY_ROTATION_RECOVERY_TOO_EARLY']

/** The device at the other end of a connection, and what it has of the histories of an identity. */
export class Peer {
  readonly connection: ConnectionLike
  readonly settle: (device: Device | null, error: KeyRotationError | null) => void
  channel: PeerChannel | null = null
  hello: Hello | null = null
  /** It was found to be a device, once. */
  isKnown = false
  /** It has told a history to its end. */
  hasTold = false
  /** Runs when it has to be looked at again. */
  timer: unknown = null
  /** Of its messages. */
  readonly turn: Turn = new Turn()
  readonly #memory: IdentityMemory
  /** First the newest of each history here, and then what it has said last. */
  #tips: readonly Tip[] = []
  /** What it has told, where that is not in the history here: another one, or events that cannot be taken in yet. */
  #heard: readonly Uint8Array[] | null = null
  #heardBytes = 0
  /** It was told to its end. */
  #isWhole = false
  /** What was told whole before that, and could not be taken in yet: who is frozen tells two histories, of which each may have to wait. */
  #waiting: readonly Uint8Array[] | null = null
  /** That of what was heard which made no difference last, and how many have. */
  #fruitless: readonly Uint8Array[] | null = null
  #fruitlessCount = 0
  #asks = 0
  /** It was asked for everything, and has not begun to tell it. */
  #waitsForAll = false
  #tellsAll = false
  #answers = 0

  constructor(connection: ConnectionLike, memory: IdentityMemory, settle: Peer['settle']) {
    this.connection = connection
    this.#memory = memory
    this.settle = settle
  }

  /** It has told what is not in the history here. */
  get hasMore(): boolean {
    return this.#heard !== null || this.#waiting !== null
  }

  /** It has an event, says it. */
  hears({ seq, hash }: Tip): void {
    const tips = [{ seq, hash }, ...this.#tips]
    // Whatever it names, what it has of the histories here stays known: else it would be told again.
    const newest = this.#histories.map((history) => newestOf(history, tips)).filter((tip) => tip !== null)
    this.#tips = [...new Set([...newest, ...tips])].slice(0, MAX_TIPS)
  }

  /**
   * Reads events that it tells.
   *
   * @returns whether they are the last of a history, and can be weighed: of another one than that here, or from who is not known, not before it is there to its
   *   end
   * @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_TOO_LARGE, and KEY_ROTATION_OUT_OF_ORDER when they go on with nothing that is here again and again, whatever was
   *   asked for
   */
  hear(bytes: Uint8Array): { part: EventsMessage['part']; isReady: boolean } {
    const { events } = this.#memory
    const message = decodeEvents(bytes)
    this.#heardBytes += bytes.length
    if (this.#heardBytes > MAX_BYTES) throw tooMuch()
    if (message.from === 0) this.#waitsForAll = false
    const before = this.#heard ?? []
    const heard = continued(message, [before, this.#waiting ?? [], ...this.#histories])
    if (heard === null) {
      // Others may be on their way that were told before it was asked.
      if (!this.#waitsForAll) this.#askAgain()
      return { part: message.part, isReady: false }
    }
    if (this.#isWhole && isForked(heard, before)) this.#waiting = before
    this.#isWhole = message.part === 'last'
    this.#heard = heard
    this.hears(tipOf(heard))
    const isReady = message.part === 'last' || (this.isKnown && !isForked(events, heard))
    return { part: message.part, isReady }
  }

  /**
   * Has the memory weigh what was told.
   *
   * @param now - this device's clock
   * @param ontaken - called before it is kept
   * @throws what `IdentityMemory.receive` throws, but for what is no fault of who brings it: a second history, and what has to wait, for a recovery's delay or for
   *   this clock; KEY_ROTATION_TOO_LARGE after too many that made no difference
   */
  async weighHeard(now: number, ontaken: () => void = () => {}): Promise<void> {
    const before = this.#memory.duplicity
    try {
      await this.#receive(this.#heard ?? [], ontaken)
    } catch (error) {
      if (!this.#mayWait(error, now, this.#heard ?? [])) throw error
      this.#countFruitless(error, before)
    }
    if (this.#heard === null || !contains(this.#memory.events, tipOf(this.#heard))) return
    this.#heard = null
    this.#heardBytes = 0
  }

  /** The same, of what it had told before, and had to wait. To be called now and then, not for each message: it may cost a walk over all events. */
  async weighWaiting(now: number, ontaken: () => void = () => {}): Promise<void> {
    const waiting = this.#waiting
    if (waiting === null) return
    try {
      await this.#receive(waiting, ontaken)
    } catch (error) {
      if (!this.#mayWait(error, now, waiting)) throw error
    }
    if (this.#waiting === waiting && this.knowsNoMore(tipOf(waiting))) this.#waiting = null
  }

  /** Asks for everything, once. */
  ask(): void {
    if (this.#asks === 0) this.#askAgain()
  }

  /** It asks for everything. */
  isAsked(): void {
    if (++this.#answers <= MAX_ANSWERS) this.#tellsAll = true
  }

  /** Whether its newest event is in a history that is here, so that it knows nothing that is not. */
  knowsNoMore({ seq, hash }: Tip): boolean {
    return this.#histories.some((history) => contains(history, { seq, hash }))
  }

  /**
   * Tells what it does not have yet: also of a second history, for as long as nobody has decided between them.
   *
   * @returns whether anything was told
   */
  tell(): boolean {
    const tellsAll = this.#tellsAll
    this.#tellsAll = false
    // It has more, and tells it before long: what is missing there is known then.
    if (!tellsAll && this.#heard === null && this.#isAhead()) return false
    let isNew = false
    for (const history of this.#histories) {
      const shared = tellsAll ? 0 : sharedLength(history, this.#tips, this.#heard)
      for (let next = shared; next < history.length; isNew = true) {
        const { message, next: after } = encodeEvents(next, history)
        this.channel?.sendEvents(message)
        next = after
      }
      if (shared < history.length) this.hears(tipOf(history))
    }
    return isNew
  }

  /** What is here: that which counts, and while nobody has decided, the other one. Of this device's own nothing that is not kept: it could forget it, and write otherwise. */
  get #histories(): readonly (readonly Uint8Array[])[] {
    const { events, duplicity } = this.#memory
    return duplicity === null ? [events] : [events, duplicity.branches[1]]
  }

  #askAgain(): void {
    if (++this.#asks > MAX_ANSWERS)
      throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'events do not follow')
    this.#waitsForAll = true
    this.channel?.ask()
  }

  /** Each history once, however often it is weighed. */
  #countFruitless(error: unknown, before: Duplicity | null): void {
    const { events, duplicity } = this.#memory
    const isRefused = error instanceof KeyRotationError && error.code === 'KEY_ROTATION_FORKED'
    // What has to wait costs as much where it parts, and what is ahead of the clock nobody needs to have signed.
    const isFruitless = isRefused || isForked(events, this.#heard ?? [])
    if (!isFruitless || duplicity !== before || this.#fruitless === this.#heard) return
    this.#fruitless = this.#heard
    if (++this.#fruitlessCount > MAX_FRUITLESS) throw tooMuch()
  }

  #mayWait(error: unknown, now: number, heard: readonly Uint8Array[]): boolean {
    if (!(error instanceof KeyRotationError)) return false
    if (error.code !== 'KEY_ROTATION_BAD_TIME') return WAITING.includes(error.code)
    const rest = heard.slice(firstDifference(this.#memory.events, heard))
    return rest.some((event) => aheadOf(decodeEvent(event), now) !== null)
  }

  #isAhead(): boolean {
    return this.hello !== null && this.hello.seq > this.#memory.state.seq && !this.knowsNoMore(this.hello)
  }

  /** Only what is not known goes to the memory, which may change while it waits for its turn. */
  async #receive(heard: readonly Uint8Array[], ontaken: () => void): Promise<void> {
    for (;;) {
      const { events, state } = this.#memory
      const at = firstDifference(events, heard)
      if (at === heard.length) return
      try {
        await this.#memory.receive(heard.slice(at), at, ontaken)
        return
      } catch (error) {
        if (b4a.equals(state.hash, this.#memory.state.hash)) throw error
      }
    }
  }
}
