import type { DeviceConnection } from './device-connection.ts'

/** Connections that have not proven a key, counted in all and by address. */
export class Strangers {
  readonly #most: number
  readonly #mostByAddress: number
  readonly #byAddress = new Map<string, number>()
  readonly #all = new Set<DeviceConnection>()

  constructor(most: number, mostByAddress: number) {
    this.#most = most
    this.#mostByAddress = mostByAddress
  }

  /** Whether there is room for one more from there. */
  hasRoom(address: string): boolean {
    return this.#all.size < this.#most && (this.#byAddress.get(address) ?? 0) < this.#mostByAddress
  }

  add(connection: DeviceConnection): void {
    const { remoteAddress } = connection.wire
    this.#all.add(connection)
    this.#byAddress.set(remoteAddress, (this.#byAddress.get(remoteAddress) ?? 0) + 1)
  }

  /** It is known now, or gone. */
  delete(connection: DeviceConnection): void {
    if (!this.#all.delete(connection)) return
    const { remoteAddress } = connection.wire
    const rest = (this.#byAddress.get(remoteAddress) ?? 1) - 1
    if (rest === 0) this.#byAddress.delete(remoteAddress)
    else this.#byAddress.set(remoteAddress, rest)
  }
}
