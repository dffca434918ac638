import { badArgument, checkCount, checkedClock, checkOptions } from '../arguments.ts'
import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import { decodeEvent } from '../format/event.ts'
import type { IdentityState } from '../state/state.ts'
import { checkPin, eventsOf, type Pin, pinOf, verify } from '../verify.ts'
import { BranchCheck } from './branch-check.ts'
import { type Outcome, weighHistory } from './contest.ts'
import { firstDifference } from './difference.ts'
import { decodeMemory, encodeAddition, encodeMemory, type Remembered } from './journal.ts'
import { type SeenBy, type Sighting, sightingsOf, takeIn } from './recovery-watch.ts'
import type { Duplicity, IdentityMemoryOptions, MemoryStore, Superseded } from './types.ts'

/** All that is remembered. */
interface Seen {
  readonly events: readonly Uint8Array[]
  readonly state: IdentityState
  readonly duplicity: Duplicity | null
  readonly superseded: Superseded | null
  readonly decided: number | null
  readonly sightings: readonly Sighting[]
}

/** What `open` overlooks of a chain that is not what is remembered. */
const EXPECTED: readonly KeyRotationErrorCode[] = ['KEY_ROTATION_FORKED', 'KEY_ROTATION_RECOVERY_TOO_EARLY']

/**
 * The highest event that this device has seen of an identity, for good: nothing shorter is believed after it, and nothing that differs, unless stronger keys are behind
 * it. Owns nothing; one memory writes to a store at a time.
 *
 * Of two histories the stronger one counts: that with the keys that both had committed to, over that of the present keys or the quorum, over that of admins. It is the same one
 * for every device, whatever it has heard of first. Where both are as strong, it freezes.
 */
export class IdentityMemory {
  readonly #store: MemoryStore
  readonly #now: () => number
  readonly #seenBy: SeenBy
  readonly #branches = new BranchCheck()
  #seen: Seen
  #latest: IdentityState
  /** Whether what is in the store may be added to. */
  #canGrow: boolean
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    store: MemoryStore,
    { now, seenBy = () => null }: IdentityMemoryOptions,
    seen: Seen,
    canGrow: boolean
  ) {
    this.#store = store
    this.#now = checkedClock(now)
    this.#seenBy = seenBy
    this.#seen = seen
    this.#latest = seen.state
    this.#canGrow = canGrow
  }

  /**
   * Opens what is remembered, or begins with a chain.
   *
   * @param trusted - whose memory it is
   * @param chain - to begin with; where there is a memory already it is taken in, as far as it may be: what is remembered counts
   * @throws KEY_ROTATION_EMPTY when there is neither, KEY_ROTATION_WRONG_IDENTITY for a memory of somebody else, KEY_ROTATION_ROLLBACK and KEY_ROTATION_FORKED when it is
   *   not what a pin says, and what `verify` throws
   */
  static async open(
    store: MemoryStore,
    trusted: Uint8Array | Pin,
    chain: Uint8Array | readonly Uint8Array[] | null = null,
    options: IdentityMemoryOptions = {}
  ): Promise<IdentityMemory> {
    checkOptions(options, ['now', 'seenBy'])
    const pin = pinOf(trusted)
    const bytes = await store.read()
    if (bytes !== null) {
      const { canGrow, ...kept } = decodeMemory(bytes)
      const memory = new IdentityMemory(store, options, seenOf(kept, pin.identity), canGrow)
      if (chain !== null) await memory.receive(chain).catch(overlook)
      const { events } = memory
      const pinned = events[pin.seq ?? 0]
      checkPin(pin, pinned && decodeEvent(pinned).hash, events.length)
      return memory
    }
    if (chain === null)
      throw new KeyRotationError('KEY_ROTATION_EMPTY', 'nothing is remembered of this identity yet')
    const events = eventsOf(chain)
    const { state } = verify(events, { trusted: pin, now: checkedClock(options.now)() })
    const sightings = sightingsOf(events)
    const seen = { events, state, duplicity: null, superseded: null, decided: null, sightings }
    await store.write(encodeMemory({ ...seen, other: null }))
    return new IdentityMemory(store, options, seen, true)
  }

  /** As of the highest event that was seen; while it is frozen, of the branch that was seen first. */
  get state(): IdentityState {
    return this.#seen.state
  }

  /** The same, and what was taken in since, but could not be kept: a device revoked there is one that this device knows to be revoked. */
  get latest(): IdentityState {
    return this.#latest
  }

  get events(): readonly Uint8Array[] {
    return this.#seen.events
  }

  /** Both branches, from when the second was seen until `choose`, or a stronger history. Nothing new is believed meanwhile. `null`: none. */
  get duplicity(): Duplicity | null {
    return this.#seen.duplicity
  }

  /** What was believed here last, and is not since a stronger history came, until `acknowledge`; `null`: nothing. */
  get superseded(): Superseded | null {
    return this.#seen.superseded
  }

  /**
   * Takes in a chain that somebody else has. It is kept before it counts. Costs what is new: one signature or two an event; and for a second history one more
   * walk over the events that both have, without their signatures.
   *
   * @param from - number of its first event, where those before are the ones that are known here
   * @returns whether it brought anything new
   * @throws KEY_ROTATION_FORKED when it differs from what was seen, now or earlier, and is not stronger: see `duplicity`; and what `verify` throws, of a chain
   *   that then changes nothing, and KEY_ROTATION_RECOVERY_TOO_EARLY of a recovery that this device has not known of for long enough, with all
   *   before it taken in: bring the chain again later
   */
  async receive(chain: Uint8Array | readonly Uint8Array[], from = 0): Promise<boolean> {
    const events = eventsOf(chain)
    checkCount(from, '`from`')
    return this.#inTurn(() => this.#receive(events, from))
  }

  /**
   * The same, of this device's own events: what was not written after those that are known here is not taken in, and freezes nothing, since nobody else has seen
   * it.
   *
   * @throws KEY_ROTATION_BROKEN_CHAIN: write it again, after `events`; and what `receive` throws
   */
  async extend(chain: Uint8Array | readonly Uint8Array[]): Promise<boolean> {
    const events = eventsOf(chain)
    return this.#inTurn(() => {
      const at = firstDifference(this.events, events)
      if (at < this.events.length && at < events.length)
        throw new KeyRotationError(
          'KEY_ROTATION_BROKEN_CHAIN',
          `event ${at} is known here, and is another one`
        )
      return this.#receive(events, 0)
    })
  }

  /**
   * Ends the freeze: somebody who knows says which branch is the person's. From then on no history that is as strong, and differs from it up to there, changes
   * anything.
   *
   * @param branch - its place in `duplicity.branches`
   * @throws KEY_ROTATION_BAD_ARGUMENT when there is nothing to choose
   */
  async choose(branch: 0 | 1): Promise<void> {
    return this.#inTurn(async () => {
      const { duplicity, decided, state: before } = this.#seen
      const events = duplicity?.branches[branch]
      if (!events || !duplicity) throw badArgument('there are no two branches to choose from')
      const { state } = verify(events, { trusted: before.identity })
      const latest = Math.max(decided ?? 0, duplicity.seq)
      await this.#keep({ ...this.#seen, events, state, duplicity: null, decided: latest })
    })
  }

  /** The person has seen `superseded`, which is then kept no longer. */
  async acknowledge(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.superseded !== null) await this.#keep({ ...this.#seen, superseded: null })
    })
  }

  async #receive(brought: readonly Uint8Array[], from: number): Promise<boolean> {
    const { events: known, duplicity, state } = this.#seen
    if (from > known.length) throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'events do not follow')
    const at = firstDifference(known, brought, from)
    const end = from + brought.length
    if (at === end && at > 0) return false
    const events = from === 0 ? brought : [...known.slice(0, from), ...brought]
    // Another inception, or nothing.
    if (at === 0) verify(events, { trusted: state.identity })
    const before = at === known.length ? state : this.#branches.stateBefore(known, at)
    const isNext = at === known.length && duplicity === null
    // What makes no difference is not checked any further: it may have been sent to keep this device busy.
    if (!isNext) this.#refuseWeaker(this.#weigh(events), at)
    const fresh = events.slice(at)
    const { sightings } = this.#seen
    const taken = takeIn({ state: before, sightings }, fresh, this.#now(), this.#seenBy)
    const isHeld = taken.count < fresh.length
    const counted = isHeld ? events.slice(0, at + taken.count) : events
    if (isNext) await this.#add(counted.slice(at), taken.state, taken.sightings)
    else await this.#settle(counted, at, taken)
    if (!isHeld) return true
    const message = 'this device has not known of the recovery for as long as there is to object'
    throw new KeyRotationError('KEY_ROTATION_RECOVERY_TOO_EARLY', message)
  }

  #weigh(events: readonly Uint8Array[]): Outcome {
    return weighHistory(this.#seen, events, (known, at) => this.#branches.stateBefore(known, at))
  }

  #refuseWeaker(outcome: Outcome, at: number): void {
    const { decided, duplicity } = this.#seen
    const isDecided = outcome.kind === 'freezes' && outcome.seq <= (decided ?? -1)
    if (outcome.kind === 'loses' || isDecided) throw forked(duplicity?.seq ?? at)
  }

  /** What becomes of a history that parts, and is right as far as it was taken. */
  async #settle(
    events: readonly Uint8Array[],
    at: number,
    { state, sightings }: { state: IdentityState; sightings: readonly Sighting[] }
  ): Promise<void> {
    const { events: known, duplicity } = this.#seen
    const isBehind = firstDifference(known, events) === events.length
    const outcome: Outcome = isBehind ? { kind: 'loses' } : this.#weigh(events)
    if (outcome.kind === 'wins') {
      const superseded = at < known.length ? { seq: at, events: known } : this.superseded
      await this.#keep({ ...this.#seen, events, state, sightings, superseded, duplicity: null })
      return
    }
    if (outcome.kind === 'loses') return this.#keep({ ...this.#seen, sightings })
    const { seq } = outcome
    if (seq > (this.#seen.decided ?? -1))
      await this.#keep({ ...this.#seen, sightings, duplicity: { seq, branches: [known, events] } })
    throw forked(duplicity?.seq ?? seq)
  }

  async #add(
    fresh: readonly Uint8Array[],
    state: IdentityState,
    sightings: readonly Sighting[]
  ): Promise<void> {
    if (fresh.length === 0 && sightings === this.#seen.sightings) return
    if (fresh.length > 0) this.#latest = state
    const seen = { ...this.#seen, state, sightings, events: [...this.#seen.events, ...fresh] }
    if (!this.#canGrow || this.#store.append === undefined) return this.#keep(seen)
    // Of what fails a part may be there.
    this.#canGrow = false
    await this.#store.append(encodeAddition(fresh, sightings))
    this.#canGrow = true
    this.#seen = seen
  }

  async #keep(seen: Seen): Promise<void> {
    const { duplicity, superseded, state } = seen
    if (state !== this.#seen.state) this.#latest = state
    await this.#store.write(
      encodeMemory({
        ...seen,
        other: duplicity?.branches[1] ?? null,
        superseded: superseded?.events ?? null
      })
    )
    this.#canGrow = true
    this.#seen = seen
  }

  /** One after the other, whatever becomes of each. */
  #inTurn<T>(run: () => T | Promise<T>): Promise<T> {
    const turn = this.#turn.then(run)
    this.#turn = turn.catch(() => {})
    return turn
  }
}

/** @throws what `verify` throws */
function seenOf({ events, other, superseded, ...kept }: Remembered, identity: Uint8Array): Seen {
  return {
    ...kept,
    events,
    state: verify(events, { trusted: identity }).state,
    duplicity: other && { seq: firstDifference(events, other), branches: [events, other] },
    superseded: superseded && { seq: firstDifference(events, superseded), events: superseded }
  }
}

function overlook(error: unknown): void {
  if (!(error instanceof KeyRotationError) || !EXPECTED.includes(error.code)) throw error
}

function forked(seq: number): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_FORKED', `there are two events ${seq} of this identity`)
}
