import { badArgument, checkCount, checkOptions } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import type { IdentityState } from '../state/state.ts'
import { eventsOf, type Pin, pinOf, verify } from '../verify.ts'
import { BranchCheck } from './branch-check.ts'
import { firstDifference } from './difference.ts'
import { decodeMemory, encodeAddition, encodeMemory, type Remembered } from './journal.ts'
import { type SeenBy, type Sighting, takeIn } from './recovery-watch.ts'

/** Where the memory lies: a file, a Hypercore's user data, a database. */
export interface MemoryStore {
  /** What was written last; `null` before. */
  read(): Promise<Uint8Array | null>
  /** In place of what was there. Resolves when it is there after a crash, too. All or nothing. */
  write(bytes: Uint8Array): Promise<void>
  /**
   * After what is there. Resolves when it is there after a crash, too; after one before that, a part of it may be. Without it all is written with each
   * event.
   */
  append?(bytes: Uint8Array): Promise<void>
}

/** Two histories of one identity, each signed as it should be: somebody else has keys, or one person has acted twice. */
export interface Duplicity {
  /** Number of the first event that differs. */
  readonly seq: number
  /** Both chains whole: first the one that was seen first. */
  readonly branches: readonly [readonly Uint8Array[], readonly Uint8Array[]]
}

export interface IdentityMemoryOptions {
  /**
   * The clock, in ms since 1970.
   *
   * @defaultValue Date.now
   */
  now?: () => number
  /**
   * By when an event was there at the latest, in ms since 1970, by somebody whom this device believes: witnesses' receipts, a time-stamping service. `null`: nobody
   * says. Asked of announced recoveries, which this device may have heard of late.
   *
   * @defaultValue nobody says
   */
  seenBy?: (event: Uint8Array) => number | null
}

/** All that is remembered. */
interface Seen {
  readonly events: readonly Uint8Array[]
  readonly state: IdentityState
  readonly duplicity: Duplicity | null
  /** A chain that somebody has decided against. */
  readonly refused: readonly Uint8Array[] | null
  readonly sighting: Sighting | null
}

/**
 * The highest event that this device has seen of an identity, for good: nothing shorter is believed after it, and nothing that differs. Owns
 * nothing; one memory writes to a store at a time.
 */
export class IdentityMemory {
  readonly #store: MemoryStore
  readonly #now: () => number
  readonly #seenBy: SeenBy
  readonly #branches = new BranchCheck()
  #seen: Seen
  /** Whether what is in the store may be added to. */
  #canGrow: boolean
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    store: MemoryStore,
    { now = Date.now, seenBy = () => null }: IdentityMemoryOptions,
    seen: Seen,
    canGrow: boolean
  ) {
    this.#store = store
    this.#now = now
    this.#seenBy = seenBy
    this.#seen = seen
    this.#canGrow = canGrow
  }

  /**
   * Opens what is remembered, or begins with a chain.
   *
   * @param trusted - whose memory it is
   * @param chain - to begin with; where there is a memory already it is taken in
   * @throws KEY_ROTATION_EMPTY when there is neither, KEY_ROTATION_WRONG_IDENTITY for a memory of somebody else, and what `verify` throws
   */
  static async open(
    store: MemoryStore,
    trusted: Uint8Array | Pin,
    chain: Uint8Array | readonly Uint8Array[] | null = null,
    options: IdentityMemoryOptions = {}
  ): Promise<IdentityMemory> {
    checkOptions(options, ['now', 'seenBy'])
    const { now = Date.now } = options
    const pin = pinOf(trusted)
    const bytes = await store.read()
    if (bytes !== null) {
      const { canGrow, ...kept } = decodeMemory(bytes)
      const memory = new IdentityMemory(store, options, seenOf(kept, pin), canGrow)
      if (chain !== null) await memory.receive(chain)
      return memory
    }
    if (chain === null)
      throw new KeyRotationError('KEY_ROTATION_EMPTY', 'nothing is remembered of this identity yet')
    const { state } = verify(chain, { trusted: pin, now: now() })
    const seen = { events: eventsOf(chain), state, duplicity: null, refused: null, sighting: null }
    await store.write(encodeMemory({ ...seen, other: null }))
    return new IdentityMemory(store, options, seen, true)
  }

  /** As of the highest event that was seen; while it is frozen, of the branch that was seen first. */
  get state(): IdentityState {
    return this.#seen.state
  }

  get events(): readonly Uint8Array[] {
    return this.#seen.events
  }

  /** Both branches, from when the second was seen until `choose`. Nothing new is believed meanwhile. `null`: none. */
  get duplicity(): Duplicity | null {
    return this.#seen.duplicity
  }

  /**
   * Takes in a chain that somebody else has. It is kept before it counts. Costs what is new: one signature or two an event; and for a second history one more
   * walk over the events that both have, without their signatures.
   *
   * @param from - number of its first event, where those before are the ones that are known here
   * @returns whether it brought anything new
   * @throws KEY_ROTATION_FORKED when it differs from what was seen first, now or earlier: see `duplicity`; and what `verify` throws, of a chain
   *   that then changes nothing, and KEY_ROTATION_RECOVERY_TOO_EARLY of a recovery that this device has not known of for long enough, with all
   *   before it taken in: bring the chain again later
   */
  async receive(chain: Uint8Array | readonly Uint8Array[], from = 0): Promise<boolean> {
    const events = eventsOf(chain)
    checkCount(from, '`from`')
    return this.#inTurn(() => this.#receive(events, from))
  }

  /**
   * Ends the freeze: somebody who knows says which branch is the person's. The other one is refused from then on.
   *
   * @param branch - its place in `duplicity.branches`
   * @throws KEY_ROTATION_BAD_ARGUMENT when there is nothing to choose
   */
  async choose(branch: 0 | 1): Promise<void> {
    return this.#inTurn(async () => {
      const events = this.duplicity?.branches[branch]
      const refused = this.duplicity?.branches[branch === 0 ? 1 : 0]
      if (!events || !refused) throw badArgument('there are no two branches to choose from')
      const { state } = verify(events, { trusted: this.state.identity })
      await this.#keep({ events, state, duplicity: null, refused, sighting: null })
    })
  }

  async #receive(brought: readonly Uint8Array[], from: number): Promise<boolean> {
    const { events: known, duplicity } = this.#seen
    if (from > known.length) throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'events do not follow')
    const at = firstDifference(known, brought, from)
    const end = from + brought.length
    if (at === known.length && at < end) {
      if (duplicity !== null) throw forked(duplicity.seq)
      const fresh = brought.slice(at - from)
      const { count, state, sighting } = takeIn(this.#seen, fresh, this.#now(), this.#seenBy)
      if (count > 0) await this.#add(fresh.slice(0, count), state, sighting)
      if (count === fresh.length) return true
      const message = 'this device has not known of the recovery for as long as there is to object'
      throw new KeyRotationError('KEY_ROTATION_RECOVERY_TOO_EARLY', message)
    }
    if (at === end && at > 0) return false
    // While it is frozen no third history changes anything, right or wrong.
    if (duplicity === null) await this.#fork(at, [...known.slice(0, from), ...brought])
    throw forked(duplicity?.seq ?? at)
  }

  /** Freezes, for a second history that would count by itself, and that nobody has decided against. */
  async #fork(at: number, events: readonly Uint8Array[]): Promise<void> {
    const { events: known, refused, state } = this.#seen
    if (refused !== null && firstDifference(refused, events) > at) return
    this.#branches.check({ known, at, events, identity: state.identity, now: this.#now() })
    await this.#keep({ ...this.#seen, duplicity: { seq: at, branches: [known, events] } })
  }

  async #add(fresh: readonly Uint8Array[], state: IdentityState, sighting: Sighting | null): Promise<void> {
    const seen = { ...this.#seen, state, sighting, events: [...this.#seen.events, ...fresh] }
    if (!this.#canGrow || this.#store.append === undefined) return this.#keep(seen)
    // Of what fails a part may be there.
    this.#canGrow = false
    await this.#store.append(encodeAddition(fresh, sighting))
    this.#canGrow = true
    this.#seen = seen
  }

  async #keep(seen: Seen): Promise<void> {
    await this.#store.write(encodeMemory({ ...seen, other: seen.duplicity?.branches[1] ?? null }))
    this.#canGrow = true
    this.#seen = seen
  }

  /** One after the other, whatever becomes of each. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run)
    this.#turn = turn.catch(() => {})
    return turn
  }
}

/** @throws what `verify` throws */
function seenOf({ events, other, refused, sighting }: Remembered, trusted: Pin): Seen {
  return {
    events,
    state: verify(events, { trusted }).state,
    duplicity: other && { seq: firstDifference(events, other), branches: [events, other] },
    refused,
    sighting
  }
}

function forked(seq: number): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_FORKED', `there are two events ${seq} of this identity`)
}
