import b4a from 'b4a'
import { badArgument, checkOptions } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { decodeChain, encodeChain } from '../format/chain.ts'
import {
  byte,
  type Codec,
  decodeFrom,
  encode,
  fixed32,
  frame,
  malformed,
  optional,
  record,
  uint
} from '../format/codecs.ts'
import { decodeEvent } from '../format/event.ts'
import { checkVersion, FORMAT_VERSION } from '../format/version.ts'
import type { IdentityState } from '../state/state.ts'
import { eventsOf, type Pin, pinOf, verify } from '../verify.ts'
import { type SeenBy, type Sighting, takeIn } from './recovery-watch.ts'

/** Where the memory lies: a file, a Hypercore's user data, a database. */
export interface MemoryStore {
  /** What was written last; `null` before. */
  read(): Promise<Uint8Array | null>
  /** Resolves when it is there after a crash, too. All or nothing. */
  write(bytes: Uint8Array): Promise<void>
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

interface Stored {
  version: number
  chain: Uint8Array
  other: Uint8Array | null
  refused: Uint8Array | null
  sighting: Sighting | null
}

const stored: Codec<Stored> = record({
  version: byte,
  chain: frame,
  other: optional(frame),
  refused: optional(frame),
  sighting: optional(record<Sighting>({ announcement: fixed32, time: uint }))
})

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
  #seen: Seen
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    store: MemoryStore,
    { now = Date.now, seenBy = () => null }: IdentityMemoryOptions,
    seen: Seen
  ) {
    this.#store = store
    this.#now = now
    this.#seenBy = seenBy
    this.#seen = seen
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
      const memory = new IdentityMemory(store, options, decodeMemory(bytes, pin))
      if (chain !== null) await memory.receive(chain)
      return memory
    }
    if (chain === null)
      throw new KeyRotationError('KEY_ROTATION_EMPTY', 'nothing is remembered of this identity yet')
    const { state } = verify(chain, { trusted: pin, now: now() })
    const seen = { events: eventsOf(chain), state, duplicity: null, refused: null, sighting: null }
    await store.write(encodeMemory(seen))
    return new IdentityMemory(store, options, seen)
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
   * Takes in a chain that somebody else has. It is kept before it counts.
   *
   * @returns whether it brought anything new
   * @throws KEY_ROTATION_FORKED when it differs from what was seen first, now or earlier: see `duplicity`; and what `verify` throws, of a chain
   *   that then changes nothing, and KEY_ROTATION_RECOVERY_TOO_EARLY of a recovery that this device has not known of for long enough, with all
   *   before it taken in: bring the chain again later
   */
  async receive(chain: Uint8Array | readonly Uint8Array[]): Promise<boolean> {
    const events = eventsOf(chain)
    return this.#inTurn(() => this.#receive(events))
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

  async #receive(events: readonly Uint8Array[]): Promise<boolean> {
    const { events: known, state, duplicity, refused } = this.#seen
    const at = firstDifference(known, events)
    if (at === known.length && at < events.length) {
      if (duplicity !== null) throw forked(duplicity.seq)
      const fresh = events.slice(at)
      const { count, ...taken } = takeIn(this.#seen, fresh, this.#now(), this.#seenBy)
      if (count > 0)
        await this.#keep({ ...this.#seen, ...taken, events: [...known, ...fresh.slice(0, count)] })
      if (count === fresh.length) return true
      const message = 'this device has not known of the recovery for as long as there is to object'
      throw new KeyRotationError('KEY_ROTATION_RECOVERY_TOO_EARLY', message)
    }
    if (at === events.length && at > 0) return false
    // Only a second history that would count by itself is one.
    verify(events, { trusted: state.identity, now: this.#now() })
    const isRefused = refused !== null && firstDifference(refused, events) > at
    if (!isRefused && duplicity === null)
      await this.#keep({ ...this.#seen, duplicity: { seq: at, branches: [known, events] } })
    throw forked(at)
  }

  async #keep(seen: Seen): Promise<void> {
    await this.#store.write(encodeMemory(seen))
    this.#seen = seen
  }

  /** One after the other, whatever becomes of each. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run)
    this.#turn = turn.catch(() => {})
    return turn
  }
}

function encodeMemory({ events, duplicity, refused, sighting }: Seen): Uint8Array {
  return encode(stored, {
    version: FORMAT_VERSION,
    chain: encodeChain(events),
    other: duplicity && encodeChain(duplicity.branches[1]),
    refused: refused && encodeChain(refused),
    sighting
  })
}

/** @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_NEWER_FORMAT, and what `verify` throws */
function decodeMemory(bytes: Uint8Array, trusted: Pin): Seen {
  const { value, end } = decodeFrom(stored, bytes, 0)
  checkVersion(value.version, 'a memory')
  if (end !== bytes.length) throw malformed('something follows a memory')
  const events = decodeChain(value.chain)
  const other = value.other && decodeChain(value.other)
  return {
    events,
    state: verify(events, { trusted }).state,
    duplicity: other && { seq: firstDifference(events, other), branches: [events, other] },
    refused: value.refused && decodeChain(value.refused),
    sighting: value.sighting
  }
}

/** Place of the first event that is not the same one, whoever signed it; the shorter length when there is none. */
function firstDifference(a: readonly Uint8Array[], b: readonly Uint8Array[]): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [one, other] = [a[i] as Uint8Array, b[i] as Uint8Array]
    if (!b4a.equals(one, other) && !b4a.equals(decodeEvent(one).hash, decodeEvent(other).hash)) return i
  }
  return length
}

function forked(seq: number): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_FORKED', `there are two events ${seq} of this identity`)
}
