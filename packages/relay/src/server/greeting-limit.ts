import { placeOf } from '../paths/place.ts'
import { KnockLimit } from '../policy/knock-limit.ts'

/** What all strangers together may have: a quarter of a second of each, where a greeting costs half a millisecond. */
const ALL_PER_SECOND = 500
/** As over UDP. */
const PLACE_PER_SECOND = 20
/** Half of all is for places that have had no more than this share of theirs lately: so a few places do not use up what is there for the others. */
const FEW = 1 / 10
/** How fast a place is one of those again: slower than it may greet, else who greets steadily would always be one. */
const FEW_PER_SECOND = 1 / 10
const HALVES = ['few', 'many'] as const

/** How many greetings may be on their way at once. */
export interface GreetingLimitOptions {
  readonly most: number
  readonly mostByAddress: number
  /** Milliseconds. */
  readonly now: () => number
}

/**
 * How often somebody is greeted who proves nothing: it costs a handshake of five Diffie–Hellmans, and nothing to ask for, since a HELLO can be repeated by whoever saw one. Who
 * proves a key costs nothing.
 */
export class GreetingLimit {
  readonly #byPlace: KnockLimit
  /** What all places together have. */
  readonly #all: KnockLimit
  readonly #few: KnockLimit

  constructor({ most, mostByAddress, now }: GreetingLimitOptions) {
    this.#byPlace = new KnockLimit({ perSecond: PLACE_PER_SECOND, most: mostByAddress, now })
    this.#all = new KnockLimit({ perSecond: ALL_PER_SECOND / 2, most: most / 2, now })
    this.#few = new KnockLimit({
      perSecond: FEW_PER_SECOND,
      most: Math.max(1, mostByAddress * FEW),
      now
    })
  }

  /** @returns whether one more is greeted from there */
  take(address: string): boolean {
    const place = placeOf(address)
    return this.#byPlace.take(place) && this.#all.take(this.#few.take(place) ? 'few' : 'many')
  }

  /** It has proven its key. */
  giveBack(address: string): void {
    const place = placeOf(address)
    for (const limit of [this.#byPlace, this.#few]) limit.giveBack(place)
    for (const half of HALVES) this.#all.giveBack(half)
  }
}
