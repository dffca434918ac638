import { placeOf } from '../paths/place.ts'

/** Somebody who has connected; `DeviceConnection` is one. */
export interface Stranger {
  /** `null` for an address that stands for many, such as a proxy's: only the number of all is bounded there. */
  readonly wire: { readonly remoteAddress: string | null }
}

/** Connections that have not proven a key, counted in all and by address. An IPv6 network of 64 bits is one address: whoever has one has all of it. */
export class Strangers {
  readonly #most: number
  readonly #mostByAddress: number
  readonly #byAddress = new Map<string, number>()
  readonly #all = new Set<Stranger>()

  constructor(most: number, mostByAddress: number) {
    this.#most = most
    this.#mostByAddress = mostByAddress
  }

  /** Whether there is room for one more from there. */
  hasRoom(address: string | null): boolean {
    if (this.#all.size >= this.#most) return false
    return address === null || (this.#byAddress.get(placeOf(address)) ?? 0) < this.#mostByAddress
  }

  add(connection: Stranger): void {
    this.#all.add(connection)
    const { remoteAddress } = connection.wire
    if (remoteAddress === null) return
    const place = placeOf(remoteAddress)
    this.#byAddress.set(place, (this.#byAddress.get(place) ?? 0) + 1)
  }

  /** It is known now, or gone. */
  delete(connection: Stranger): void {
    if (!this.#all.delete(connection)) return
    const { remoteAddress } = connection.wire
    if (remoteAddress === null) return
    const place = placeOf(remoteAddress)
    const rest = (this.#byAddress.get(place) ?? 1) - 1
    if (rest === 0) this.#byAddress.delete(place)
    else this.#byAddress.set(place, rest)
  }
}
