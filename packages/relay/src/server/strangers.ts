import { placeOf } from '../paths/place.ts'

/** Somebody who has connected; `DeviceConnection` is one. */
export interface Stranger {
  /** `null` for an address that stands for many, such as a proxy's: only the number of all is bounded there. */
  readonly wire: { readonly remoteAddress: string | null }
  /** Makes room for another one. */
  expire(): void
}

/** What stands for many. */
const MANY = ''

/**
 * Connections that have not proven a key, counted in all and by address. An IPv6 network of 64 bits is one address: whoever has one has all of it. Where there are as
 * many as there may be, the oldest of the address that has the most goes for one of an address with fewer: so a few addresses do not lock out the others.
 */
export class Strangers {
  readonly #most: number
  readonly #mostByAddress: number
  /** The oldest first. */
  readonly #byPlace = new Map<string, Set<Stranger>>()
  #size = 0

  constructor(most: number, mostByAddress: number) {
    this.#most = most
    this.#mostByAddress = mostByAddress
  }

  /** Makes room for one more from there. @returns whether there is */
  makeRoom(address: string | null): boolean {
    const count = this.#byPlace.get(nameOf(address))?.size ?? 0
    if (address !== null && count >= this.#mostByAddress) return false
    if (this.#size < this.#most) return true
    const [crowd] = [...this.#byPlace.values()].sort((a, b) => b.size - a.size)
    if (crowd === undefined || crowd.size <= count + 1) return false
    const [oldest] = crowd
    if (oldest === undefined) return false
    this.delete(oldest)
    oldest.expire()
    return true
  }

  add(connection: Stranger): void {
    const place = nameOf(connection.wire.remoteAddress)
    const there = this.#byPlace.get(place) ?? new Set()
    this.#byPlace.set(place, there.add(connection))
    this.#size++
  }

  /** It is known now, or gone. */
  delete(connection: Stranger): void {
    const place = nameOf(connection.wire.remoteAddress)
    const there = this.#byPlace.get(place)
    if (there?.delete(connection) !== true) return
    this.#size--
    if (there.size === 0) this.#byPlace.delete(place)
  }
}

function nameOf(address: string | null): string {
  return address === null ? MANY : placeOf(address)
}
