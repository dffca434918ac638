import { checkCount, checkedClock, checkOptions } from '../arguments.ts'
import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import type { IdentityState } from '../state/state.ts'
import { eventsOf, type Pin, pinOf, verify } from '../verify.ts'
import { BranchCheck } from './branch-check.ts'
import { choose } from './choice.ts'
import { UNDECIDED } from './decisions.ts'
import { firstDifference } from './difference.ts'
import { decodeMemory } from './journal.ts'
import { Keeper } from './keeper.ts'
import { Receiver } from './receiver.ts'
import { sightingsOf } from './recovery-watch.ts'
import { checkSeen, seenOf } from './seen.ts'
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
  readonly #keeper: Keeper
  readonly #receiver: Receiver
  readonly #branches = new BranchCheck()
  readonly #now: () => number
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(keeper: Keeper, { now }: IdentityMemoryOptions) {
    this.#keeper = keeper
    this.#now = checkedClock(now)
    this.#receiver = new Receiver(keeper, this.#branches, this.#now)
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
    checkOptions(options, ['now'])
    const pin = pinOf(trusted)
    const bytes = await store.read()
    if (bytes !== null) {
      const { room, ...kept } = decodeMemory(bytes)
      const memory = new IdentityMemory(new Keeper(store, seenOf(kept, pin.identity), room), options)
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
    return new IdentityMemory(await Keeper.begin(store, seen), options)
  }

  /** As of the highest event that was seen; while it is frozen, of the branch that was seen first. */
  get state(): IdentityState {
    return this.#keeper.seen.state
  }

  /** The same, and what was taken in since, but could not be kept: a device revoked there is one that this device knows to be revoked. */
  get latest(): IdentityState {
    return this.#keeper.heard.state
  }

  /** Whether all that was taken in could be kept: a second history, too, and when a recovery was heard of. What could not is kept with what comes next. */
  get isKept(): boolean {
    return this.#keeper.heard === this.#keeper.seen
  }

  get events(): readonly Uint8Array[] {
    return this.#keeper.seen.events
  }

  /** Both branches, from when the second was seen until `choose`, or a stronger history. Nothing new is believed meanwhile. `null`: none. */
  get duplicity(): Duplicity | null {
    return this.#keeper.heard.duplicity
  }

  /** What was believed here last, and is not since a stronger history came, or the person chose the other one, until `acknowledge`; `null`: nothing. */
  get superseded(): Superseded | null {
    return this.#keeper.heard.superseded
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
    return this.#inTurn(() => this.#receiver.receive(events, from), ontaken)
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
      const { events: known } = this.#keeper.heard
      const at = firstDifference(known, events)
      if (at === 0 || at === known.length || at === events.length) return this.#receiver.receive(events, 0)
      // So that it is in `events`, for what is written again.
      await this.#keeper.keepHeard()
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
      await this.#keeper.keepDecision(choose(this.#keeper.heard, given, this.#branches, this.#now))
    })
  }

  /** The person has seen `superseded`, which is then kept no longer. */
  async acknowledge(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.superseded !== null)
        await this.#keeper.keepDecision({ ...this.#keeper.heard, superseded: null })
    })
  }

  /** One after the other, whatever becomes of each. */
  #inTurn<T>(run: () => T | Promise<T>, ontaken: () => void = nothing): Promise<T> {
    const turn = this.#turn.then(() => {
      this.#keeper.tell(ontaken)
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
