import b4a from 'b4a'
import { joinMac, sameMac } from './greeting.ts'

/** Of one device: each hello makes one, also one that somebody repeats. */
const MOST_OF_A_DEVICE = 64

/** What is needed to know an offer again. */
interface Offered {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  readonly remotePublicKey: Uint8Array
}

/** Sessions that were offered, kept for a while after their path has gone: whoever swallowed the join there costs the initiator that path, and it joins on another. */
export class Offers<Offer extends Offered> {
  readonly #keptMs: number
  /** The oldest first; with the timer of each. */
  readonly #offers = new Map<Offer, unknown>()

  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  add(offer: Offer): void {
    const ofDevice = this.#all(({ remotePublicKey }) => b4a.equals(remotePublicKey, offer.remotePublicKey))
    if (ofDevice.length >= MOST_OF_A_DEVICE) for (const oldest of ofDevice.slice(0, 1)) this.#delete(oldest)
    const timer = setTimeout(() => this.#delete(offer), this.#keptMs)
    this.#offers.set(offer, timer)
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

  #all(where: (offer: Offer) => boolean): Offer[] {
    return [...this.#offers.keys()].filter(where)
  }

  #delete(offer: Offer): void {
    clearTimeout(this.#offers.get(offer))
    this.#offers.delete(offer)
  }
}
