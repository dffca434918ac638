import b4a from 'b4a'
import type { Line } from '../paths/line.ts'
import { placeOf } from '../paths/place.ts'

/** Most refusals on one path: of a join, of the hello after it, and both once more. */
const MOST_REFUSALS = 4

/** At once; whoever finds a listener can begin one. A relay takes only whom it knows, and asks before each. */
const MOST = { direct: 256, ofEachRelay: 64 }

interface Greeting<Offer> {
  readonly line: Line
  readonly timer: unknown
  /** Those that come directly share their room; each relay has one of its own. */
  readonly room: string
  readonly place: string
  /** What was answered; `null` while nothing that deserves one was said. */
  offer: Offer | null
  refusals: number
}

/**
 * Greetings that are under way, the oldest first.
 *
 * When there is no room, one goes of the place that has the most of them: first who has said nothing, then the oldest. So it takes as many places
 * (addresses, or keys at a relay) as there is room to be in anybody's way, and nobody is in the way of who comes through a relay but who does too.
 */
export class Greetings<Offer> {
  readonly #timeoutMs: number
  readonly #greetings = new Map<Line, Greeting<Offer>>()

  /** @param timeoutMs - how long one may take */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** One begins. Its path is destroyed when it takes too long. */
  add(line: Line): void {
    const { relay, origin = '' } = line.path
    const room = relay === null ? '' : b4a.toString(relay, 'hex')
    this.#makeRoom(room, relay === null ? MOST.direct : MOST.ofEachRelay)
    const timer = setTimeout(() => line.destroy(), this.#timeoutMs)
    this.#greetings.set(line, { line, timer, room, place: placeOf(origin), offer: null, refusals: 0 })
  }

  /** It is over, one way or the other. */
  delete(line: Line): void {
    clearTimeout(this.#greetings.get(line)?.timer)
    this.#greetings.delete(line)
  }

  /** What was answered there. */
  offerOn(line: Line): Offer | null {
    return this.#greetings.get(line)?.offer ?? null
  }

  answered(line: Line, offer: Offer): void {
    const greeting = this.#greetings.get(line)
    if (greeting !== undefined) greeting.offer = offer
  }

  /** Something is refused there. @returns false when it was too often: who asks again and again reads no answers */
  refuse(line: Line): boolean {
    const greeting = this.#greetings.get(line)
    return greeting !== undefined && ++greeting.refusals <= MOST_REFUSALS
  }

  /** Ends all. */
  close(): void {
    for (const { path } of this.#greetings.keys()) path.destroy()
  }

  #makeRoom(room: string, most: number): void {
    const there = [...this.#greetings.values()].filter((one) => one.room === room)
    if (there.length < most) return
    const byPlace = new Map<string, Greeting<Offer>[]>()
    for (const one of there) byPlace.set(one.place, [...(byPlace.get(one.place) ?? []), one])
    const crowd = [...byPlace.values()].reduce((a, b) => (b.length > a.length ? b : a))
    const gone = crowd.find(({ offer }) => offer === null) ?? crowd[0]
    if (gone === undefined) return
    this.delete(gone.line)
    gone.line.destroy()
  }
}
