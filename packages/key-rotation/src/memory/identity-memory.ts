import { badArgument, checkCount, checkedClock, checkOptions } from '../arguments.ts'
import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import type { IdentityState } from '../state/state.ts'
import { eventsOf, type Pin, pinOf, verify } from '../verify.ts'
import { BranchCheck } from './branch-check.ts'
import { type Outcome, type Standing, weighHistory } from './contest.ts'
import { firstDifference } from './difference.ts'
import { decodeMemory, encodeAddition, encodeMemory, MAX_ADDITIONS } from './journal.ts'
import { type Sighting, sightingsOf, takeIn, type TakenIn } from './recovery-watch.ts'
import { checkSeen, rememberedOf, type Seen, seenOf } from './seen.ts'
import type { Duplicity, IdentityMemoryOptions, MemoryStore, Superseded } from './types.ts'

/** What `open` overlooks of a chain that is not what is remembered. */
const EXPECTED: readonly KeyRotationErrorCode[] = [
  'KEY_ROTATION_BAD_TIME',
  'KEY_ROTATION_BROKEN_CHAIN',
  'KEY_ROTATION_FORKED',
  'KEY_ROTATION_RECOVERY_TOO_EARLY'
]

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
  readonly #receipts: () => readonly Uint8Array[]
  readonly #branches = new BranchCheck()
  #seen: Seen
  #latest: IdentityState
  /** How often what is in the store may be added to. */
  #room: number
  #turn: Promise<unknown> = Promise.resolve()
  #ontaken: () => void = nothing

  private constructor(
    store: MemoryStore,
    { now, receipts = () => [] }: IdentityMemoryOptions,
    seen: Seen,
    room: number
  ) {
    this.#store = store
    this.#now = checkedClock(now)
    this.#receipts = receipts
    this.#seen = seen
    this.#latest = seen.state
    this.#room = room
  }

  /**
   * Opens what is remembered, or begins with a chain.
   *
   * @param trusted - whose memory it is
   * @param chain - to begin with; where there is a memory already it is this device's own, and taken in as by `extend`: what is remembered counts
   * @throws KEY_ROTATION_EMPTY when there is neither, KEY_ROTATION_WRONG_IDENTITY for a memory of somebody else, KEY_ROTATION_ROLLBACK and KEY_ROTATION_FORKED when
   *   what a pin says is not in it, nor in what it has given up last, and what `verify` throws
   */
  static async open(
    store: MemoryStore,
    trusted: Uint8Array | Pin,
    chain: Uint8Array | readonly Uint8Array[] | null = null,
    options: IdentityMemoryOptions = {}
  ): Promise<IdentityMemory> {
    checkOptions(options, ['now', 'receipts'])
    const pin = pinOf(trusted)
    const bytes = await store.read()
    if (bytes !== null) {
      const { room, ...kept } = decodeMemory(bytes)
      const memory = new IdentityMemory(store, options, seenOf(kept, pin.identity), room)
      if (chain !== null) await memory.extend(chain).catch(overlook)
      checkSeen(memory, pin)
      return memory
    }
    if (chain === null)
      throw new KeyRotationError('KEY_ROTATION_EMPTY', 'nothing is remembered of this identity yet')
    const events = eventsOf(chain)
    const { state } = verify(events, { trusted: pin, now: checkedClock(options.now)() })
    const sightings = sightingsOf(events)
    const seen = { events, state, duplicity: null, superseded: null, decided: null, sightings }
    await store.write(encodeMemory(rememberedOf(seen)))
    return new IdentityMemory(store, options, seen, MAX_ADDITIONS)
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

  /** What was believed here last, and is not since a stronger history came, or the person chose the other one, until `acknowledge`; `null`: nothing. */
  get superseded(): Superseded | null {
    return this.#seen.superseded
  }

  /**
   * Takes in a chain that somebody else has. It is kept before it counts. Costs what is new: one signature or two an event; and for a second history one more
   * walk over the events that both have, without their signatures.
   *
   * @param from - number of its first event, where those before are the ones that are known here
   * @param ontaken - called when it is in `latest`, before it is kept: a store may take its time, or hang
   * @returns whether it brought anything new
   * @throws KEY_ROTATION_FORKED when it differs from what was seen, now or earlier, and is not stronger: see `duplicity`; and what `verify` throws, of a chain
   *   that then changes nothing. With all before it taken in, so that it is to be brought again later: KEY_ROTATION_RECOVERY_TOO_EARLY of a recovery that
   *   this device has not known of for long enough, KEY_ROTATION_BAD_TIME of an event more than a day ahead of its clock
   */
  async receive(
    chain: Uint8Array | readonly Uint8Array[],
    from = 0,
    ontaken: () => void = nothing
  ): Promise<boolean> {
    const events = eventsOf(chain)
    checkCount(from, '`from`')
    return this.#inTurn(() => this.#receive(events, from), ontaken)
  }

  /**
   * The same, of this device's own events: what was not written after those that are known here is not taken in, and freezes nothing, since nobody else has seen
   * it.
   *
   * @throws KEY_ROTATION_BROKEN_CHAIN: write it again, after `events`; and what `receive` throws
   */
  async extend(chain: Uint8Array | readonly Uint8Array[], ontaken: () => void = nothing): Promise<boolean> {
    const events = eventsOf(chain)
    return this.#inTurn(() => {
      const at = firstDifference(this.events, events)
      if (at > 0 && at < this.events.length && at < events.length)
        throw new KeyRotationError(
          'KEY_ROTATION_BROKEN_CHAIN',
          `event ${at} is known here, and is another one`
        )
      return this.#receive(events, 0)
    }, ontaken)
  }

  /**
   * Ends the freeze: somebody who knows says which branch is the person's. From then on no history that is as strong, and differs from it up to there, changes
   * anything.
   *
   * @param branch - its place in `duplicity.branches`, or a chain that goes on like one of them; or a third one, as strong, which parts from both where they part: such
   *   are refused while two are shown
   * @throws KEY_ROTATION_BAD_ARGUMENT when there is nothing to choose, or the chain is no such one; of a third chain what `receive` throws
   */
  async choose(branch: 0 | 1 | Uint8Array | readonly Uint8Array[]): Promise<void> {
    const given = typeof branch === 'number' ? branch : eventsOf(branch)
    return this.#inTurn(async () => {
      const { duplicity, decided, superseded: before } = this.#seen
      if (duplicity === null) throw badArgument('there are no two branches to choose from')
      const { seq, branches } = duplicity
      const place =
        typeof given === 'number' ? given : branches.findIndex((one) => firstDifference(one, given) > seq)
      const chosen =
        place === -1 ? this.#third(given as readonly Uint8Array[], seq) : this.#branch(branches[place])
      const superseded = place === 0 ? before : { seq, events: branches[0] }
      await this.#keep({ ...chosen, superseded, duplicity: null, decided: Math.max(decided ?? 0, seq) })
    })
  }

  /** The person has seen `superseded`, which is then kept no longer. */
  async acknowledge(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.superseded !== null) await this.#keep({ ...this.#seen, superseded: null })
    })
  }

  #branch(events: readonly Uint8Array[] | undefined): Pick<Seen, 'events' | 'state' | 'sightings'> {
    if (events === undefined) throw badArgument('there are two branches, 0 and 1')
    const { state, sightings } = this.#seen
    return { events, state: verify(events, { trusted: state.identity }).state, sightings }
  }

  #third(given: readonly Uint8Array[], seq: number): Pick<Seen, 'events' | 'state' | 'sightings'> {
    const { events: known, sightings } = this.#seen
    if (firstDifference(known, given) !== seq || seq === given.length)
      throw badArgument('it does not part from the others where they part')
    const before = { state: this.#branches.stateBefore(known, seq), sightings }
    const taken = takeIn(before, given.slice(seq), this.#now(), this.#receipts)
    const events = [...known.slice(0, seq), ...given.slice(seq, seq + taken.count)]
    const isAsStrong =
      taken.count > 0 && this.#weigh(events, { events: known, duplicity: null }).kind === 'freezes'
    if (!isAsStrong) throw taken.held ?? badArgument('it is not as strong as the others')
    return { events, state: taken.state, sightings: taken.sightings }
  }

  async #receive(brought: readonly Uint8Array[], from: number): Promise<boolean> {
    const { events: known, duplicity, state } = this.#seen
    if (from > known.length) throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'events do not follow')
    const at = firstDifference(known, brought, from)
    const end = from + brought.length
    if (at === end && at > 0) return false
    // Another inception, or nothing.
    if (at === 0) verify(brought, { trusted: state.identity })
    // What both have stays as it is here: nobody has checked the signatures that were brought with it.
    const fresh = brought.slice(at - from)
    const events = [...known.slice(0, at), ...fresh]
    const before = at === known.length ? state : this.#branches.stateBefore(known, at)
    const isNext = at === known.length && duplicity === null
    // What makes no difference is not checked any further: it may have been sent to keep this device busy.
    if (!isNext) this.#refuseWeaker(this.#weigh(events), at)
    const { sightings } = this.#seen
    const taken = takeIn({ state: before, sightings }, fresh, this.#now(), this.#receipts)
    const counted = taken.held === null ? events : events.slice(0, at + taken.count)
    if (isNext) await this.#add(counted.slice(at), taken.state, taken.sightings)
    else await this.#settle(counted, at, taken)
    if (taken.held !== null) throw taken.held
    return true
  }

  #weigh(events: readonly Uint8Array[], standing: Standing = this.#seen): Outcome {
    return weighHistory(standing, events, (known, at) => this.#branches.stateBefore(known, at))
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
    { state, sightings }: Pick<TakenIn, 'state' | 'sightings'>
  ): Promise<void> {
    const { events: known, duplicity } = this.#seen
    const isBehind = firstDifference(known, events) === events.length
    const outcome: Outcome = isBehind ? { kind: 'loses' } : this.#weigh(events)
    if (outcome.kind === 'wins') {
      const superseded = at < known.length ? { seq: at, events: known } : this.superseded
      // What was decided of a history that has lost is not of the one that has won.
      const decided = this.#seen.decided === null ? null : Math.min(this.#seen.decided, at - 1)
      await this.#keep({ events, state, sightings, superseded, decided, duplicity: null })
      return
    }
    if (outcome.kind === 'loses') {
      if (sightings !== this.#seen.sightings) await this.#keep({ ...this.#seen, sightings })
      return
    }
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
    this.#ontaken()
    const seen = { ...this.#seen, state, sightings, events: [...this.#seen.events, ...fresh] }
    const room = this.#room
    if (room === 0 || this.#store.append === undefined) return this.#keep(seen)
    // Of what fails a part may be there.
    this.#room = 0
    await this.#store.append(encodeAddition(fresh, sightings))
    this.#room = room - 1
    this.#seen = seen
  }

  async #keep(seen: Seen): Promise<void> {
    const { state } = seen
    if (state !== this.#seen.state) this.#latest = state
    this.#ontaken()
    await this.#store.write(encodeMemory(rememberedOf(seen)))
    this.#room = MAX_ADDITIONS
    this.#seen = seen
  }

  /** One after the other, whatever becomes of each. */
  #inTurn<T>(run: () => T | Promise<T>, ontaken: () => void = nothing): Promise<T> {
    const turn = this.#turn.then(() => {
      this.#ontaken = ontaken
      return run()
    })
    this.#turn = turn.catch(() => {})
    return turn
  }
}

function nothing(): void {}

function overlook(error: unknown): void {
  if (!(error instanceof KeyRotationError) || !EXPECTED.includes(error.code)) throw error
}

function forked(seq: number): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_FORKED', `there are two events ${seq} of this identity`)
}
