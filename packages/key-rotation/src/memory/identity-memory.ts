import { badArgument, checkCount, checkedClock, checkOptions } from '../arguments.ts'
import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import type { IdentityState } from '../state/state.ts'
import { strengthOf } from '../state/strength.ts'
import { eventsOf, type Pin, pinOf, verify } from '../verify.ts'
import { BranchCheck } from './branch-check.ts'
import { type Outcome, type Standing, weighHistory } from './contest.ts'
import { decidedBefore, isDecided, UNDECIDED, withDecision } from './decisions.ts'
import { firstDifference } from './difference.ts'
import { decodeMemory, encodeAddition, encodeMemory, MAX_ADDITIONS } from './journal.ts'
import { announcesUnknown, type Sighting, sightingsOf, takeIn, type TakenIn } from './recovery-watch.ts'
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
  /** What is in the store. */
  #seen: Seen
  /** The same, or what came since and could not be kept. All is weighed by this. */
  #heard: Seen
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
    this.#heard = seen
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
    const seen = { events, state, duplicity: null, superseded: null, decided: UNDECIDED, sightings }
    await store.write(encodeMemory(rememberedOf(seen)))
    return new IdentityMemory(store, options, seen, MAX_ADDITIONS)
  }

  /** As of the highest event that was seen; while it is frozen, of the branch that was seen first. */
  get state(): IdentityState {
    return this.#seen.state
  }

  /** The same, and what was taken in since, but could not be kept: a device revoked there is one that this device knows to be revoked. */
  get latest(): IdentityState {
    return this.#heard.state
  }

  get events(): readonly Uint8Array[] {
    return this.#seen.events
  }

  /** Both branches, from when the second was seen until `choose`, or a stronger history. Nothing new is believed meanwhile. `null`: none. */
  get duplicity(): Duplicity | null {
    return this.#heard.duplicity
  }

  /** What was believed here last, and is not since a stronger history came, or the person chose the other one, until `acknowledge`; `null`: nothing. */
  get superseded(): Superseded | null {
    return this.#heard.superseded
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
    return this.#inTurn(async () => {
      const { events: known } = this.#heard
      const at = firstDifference(known, events)
      if (at === 0 || at === known.length || at === events.length) return this.#receive(events, 0)
      // So that it is in `events`, for what is written again.
      await this.#keepHeard()
      const message = `event ${at} is known here, and is another one`
      throw new KeyRotationError('KEY_ROTATION_BROKEN_CHAIN', message)
    }, ontaken)
  }

  /**
   * Ends the freeze: somebody who knows says which branch is the person's. From then on no history that is as strong as those two, and differs from it up to there, changes
   * anything. What better keys have signed since nobody has decided.
   *
   * @param branch - its place in `duplicity.branches`, or a chain that goes on like one of them; or a third one, as strong, which parts from both where they part: such
   *   are refused while two are shown
   * @throws KEY_ROTATION_BAD_ARGUMENT when there is nothing to choose, or the chain is no such one; of a third chain what `receive` throws
   */
  async choose(branch: 0 | 1 | Uint8Array | readonly Uint8Array[]): Promise<void> {
    const given = typeof branch === 'number' ? branch : eventsOf(branch)
    return this.#inTurn(async () => {
      const { duplicity, decided, superseded: before } = this.#heard
      if (duplicity === null) throw badArgument('there are no two branches to choose from')
      const { seq, branches } = duplicity
      const place =
        typeof given === 'number' ? given : branches.findIndex((one) => firstDifference(one, given) > seq)
      const chosen =
        place === -1 ? this.#third(given as readonly Uint8Array[], seq) : this.#branch(branches[place])
      const superseded = place === 0 ? before : { seq, events: branches[0] }
      const contest = { seq, strength: strengthOf(branches[0], seq) }
      const seen = { ...chosen, superseded, duplicity: null, decided: withDecision(decided, contest) }
      await this.#keepDecision(seen)
    })
  }

  /** The person has seen `superseded`, which is then kept no longer. */
  async acknowledge(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.superseded !== null) await this.#keepDecision({ ...this.#heard, superseded: null })
    })
  }

  #branch(events: readonly Uint8Array[] | undefined): Pick<Seen, 'events' | 'state' | 'sightings'> {
    if (events === undefined) throw badArgument('there are two branches, 0 and 1')
    const { state, sightings } = this.#heard
    return { events, state: verify(events, { trusted: state.identity }).state, sightings }
  }

  #third(given: readonly Uint8Array[], seq: number): Pick<Seen, 'events' | 'state' | 'sightings'> {
    const { events: known, sightings } = this.#heard
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
    const { events: known, duplicity, state, sightings } = this.#heard
    if (from > this.events.length)
      throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'events do not follow')
    const whole = from === 0 ? brought : [...this.events.slice(0, from), ...brought]
    const at = firstDifference(known, whole)
    const isKnown = at === whole.length || firstDifference(this.events, whole) === whole.length
    if (isKnown && at > 0) return this.#keepHeard()
    // Another inception, or nothing.
    if (at === 0) verify(whole, { trusted: state.identity })
    // What both have stays as it is here: nobody has checked the signatures that were brought with it.
    const fresh = whole.slice(at)
    const events = [...known.slice(0, at), ...fresh]
    const isNext = at === known.length && duplicity === null
    const isRefused = !isNext && this.#isRefused(this.#weigh(events))
    // What makes no difference is not checked any further: it may have been sent to keep this device busy. But since when a recovery is known of counts, whatever becomes of its history.
    if (isRefused && !announcesUnknown(fresh, sightings)) throw forked(duplicity?.seq ?? at)
    const before = at === known.length ? state : this.#branches.stateBefore(known, at)
    const taken = takeIn({ state: before, sightings }, fresh, this.#now(), this.#receipts)
    const counted = taken.held === null ? events : events.slice(0, at + taken.count)
    if (isRefused) {
      await this.#sight(taken)
      throw forked(duplicity?.seq ?? at)
    }
    if (isNext) await this.#add(counted.slice(at), taken.state, taken.sightings)
    else await this.#settle(counted, at, taken)
    if (taken.held !== null) throw taken.held
    return true
  }

  #weigh(events: readonly Uint8Array[], standing: Standing = this.#heard): Outcome {
    return weighHistory(standing, events)
  }

  #isRefused(outcome: Outcome): boolean {
    return outcome.kind === 'loses' || (outcome.kind === 'freezes' && isDecided(this.#heard.decided, outcome))
  }

  /** What becomes of a history that parts, and is right as far as it was taken. */
  async #settle(events: readonly Uint8Array[], at: number, taken: TakenIn): Promise<void> {
    const { events: known, duplicity } = this.#heard
    const { state, sightings } = taken
    const isBehind = firstDifference(known, events) === events.length
    const outcome: Outcome = isBehind ? { kind: 'loses' } : this.#weigh(events)
    // The rest of it has to wait.
    if (this.#isRefused(outcome)) return this.#sight(taken)
    if (outcome.kind === 'freezes') {
      const { seq } = outcome
      await this.#keep({ ...this.#heard, sightings, duplicity: { seq, branches: [known, events] } })
      throw forked(duplicity?.seq ?? seq)
    }
    const superseded = at < known.length ? { seq: at, events: known } : this.superseded
    const decided = decidedBefore(this.#heard.decided, at)
    await this.#keep({ events, state, sightings, superseded, decided, duplicity: null })
  }

  /** Keeps when recoveries were heard of, and nothing else. */
  async #sight({ sightings }: TakenIn): Promise<void> {
    if (sightings !== this.#heard.sightings) await this.#keep({ ...this.#heard, sightings })
  }

  async #add(
    fresh: readonly Uint8Array[],
    state: IdentityState,
    sightings: readonly Sighting[]
  ): Promise<void> {
    const heard = this.#heard
    if (fresh.length === 0 && sightings === heard.sightings) return
    const seen = { ...heard, state, sightings, events: [...heard.events, ...fresh] }
    const room = this.#room
    if (room === 0 || heard !== this.#seen || this.#store.append === undefined) return this.#keep(seen)
    this.#take(seen)
    await this.#store.append(encodeAddition(fresh, sightings))
    this.#room = room - 1
    this.#seen = seen
  }

  async #keep(seen: Seen): Promise<void> {
    this.#take(seen)
    await this.#write(seen)
  }

  /** What the person says counts when it is kept: till then she is asked again. */
  async #keepDecision(seen: Seen): Promise<void> {
    this.#room = 0
    await this.#write(seen)
    this.#heard = seen
  }

  /** What could not be kept when it came. @returns whether there was any */
  async #keepHeard(): Promise<boolean> {
    if (this.#heard === this.#seen) return false
    await this.#keep(this.#heard)
    return true
  }

  #take(seen: Seen): void {
    this.#heard = seen
    // Of what fails a part may be there.
    this.#room = 0
    this.#ontaken()
  }

  async #write(seen: Seen): Promise<void> {
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
