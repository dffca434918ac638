import b4a from 'b4a'
import { joinMac, sameMac } from './greeting.ts'

/** Of one device: each hello makes one, also one that somebody repeats. */
const MOST_OF_A_DEVICE = 64
/** In all: keys cost nothing. */
const MOST = 256

/** What is needed to know an offer again. */
interface Offered {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  readonly remotePublicKey: Uint8Array
}

/** Sessions that were offered, kept for a while after their path has gone: whoever swallowed the join there costs the initiator that path, and it joins on another. */
export class Offers<Offer extends Offered> {
  readonly #keptMs: number
  /** The oldest first; with the timer of each, and where it was asked for. */
  readonly #offers = new Map<Offer, { readonly timer: unknown; readonly place: string }>()

  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  /**
   * Where there is no room, the oldest goes of the place that has most.
   *
   * @param place - whose it is: an address, or a key at a relay
   */
  add(offer: Offer, place: string): void {
    const ofDevice = this.#all(({ remotePublicKey }) => b4a.equals(remotePublicKey, offer.remotePublicKey))
    if (ofDevice.length >= MOST_OF_A_DEVICE) for (const oldest of ofDevice.slice(0, 1)) this.#delete(oldest)
    if (this.#offers.size >= MOST) this.#makeRoom()
    const timer = setTimeout(() => this.#delete(offer), this.#keptMs)
    this.#offers.set(offer, { timer, place })
  }

  /** What was offered to whoever says this join; `null` for nothing. */
  find(id: Uint8Array, path: number, mac: Uint8Array): Offer | null {
    const [found] = this.#all(
      (one) => b4a.equals(one.id, id) && sameMac(mac, joinMac('join', id, path, one.secret))
    )
    return found ?? null
  }

  /** A session began: what else was offered for it is void. */
  begun({ id, remotePublicKey }: Offered): void {
    const isOfIt = (one: Offered): boolean =>
      b4a.equals(one.id, id) && b4a.equals(one.remotePublicKey, remotePublicKey)
    for (const one of this.#all(isOfIt)) this.#delete(one)
  }

  /** Forgets all. */
  close(): void {
    for (const one of this.#offers.keys()) this.#delete(one)
  }

  #makeRoom(): void {
    const byPlace = new Map<string, Offer[]>()
    for (const [offer, { place }] of this.#offers) byPlace.set(place, [...(byPlace.get(place) ?? []), offer])
    const crowd = [...byPlace.values()].reduce((a, b) => (b.length > a.length ? b : a))
    for (const oldest of crowd.slice(0, 1)) this.#delete(oldest)
  }

  #all(where: (offer: Offer) => boolean): Offer[] {
    return [...this.#offers.keys()].filter(where)
  }

  #delete(offer: Offer): void {
    clearTimeout(this.#offers.get(offer)?.timer)
    this.#offers.delete(offer)
  }
}
