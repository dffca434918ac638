import { placeOf } from '../paths/place.ts'
import { KnockLimit } from '../policy/knock-limit.ts'

/** What all strangers together may have: a quarter of a second of each, where a greeting costs half a millisecond. */
const ALL_PER_SECOND = 500
/** As over UDP. */
const PLACE_PER_SECOND = 20
const ALL = ''

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
  readonly #all: KnockLimit

  constructor({ most, mostByAddress, now }: GreetingLimitOptions) {
    this.#byPlace = new KnockLimit({ perSecond: PLACE_PER_SECOND, most: mostByAddress, now })
    this.#all = new KnockLimit({ perSecond: ALL_PER_SECOND, most, now })
  }

  /** @returns whether one more is greeted from there */
  take(address: string): boolean {
    return this.#byPlace.take(placeOf(address)) && this.#all.take(ALL)
  }

  /** It has proven its key. */
  giveBack(address: string): void {
    this.#byPlace.giveBack(placeOf(address))
    this.#all.giveBack(ALL)
  }
}
