/** What one search reports for each question: anybody can repeat a label, and must not use up the place of the device itself. */
const MOST_HOSTS = 64
/** Two apps of one machine may share a key for a moment, while one takes over from the other. */
const MOST_PORTS = 2

/**
 * Where a device may be, since the last question: a random choice of those that were named (reservoir sampling, Vitter 1985, algorithm R). Who names many hosts makes it
 * less likely that the device is among them, and by being first shuts it out of nothing.
 */
export class FoundHosts {
  readonly #ports = new Map<string, Set<number>>()
  readonly #random: () => number
  #named = 0

  /** @param random - from 0 to 1, below it */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** @returns whether it is to be reported */
  add(host: string, port: number): boolean {
    const ports = this.#ports.get(host)
    if (ports !== undefined) {
      if (ports.size >= MOST_PORTS || ports.has(port)) return false
      ports.add(port)
      return true
    }
    this.#named++
    if (this.#ports.size >= MOST_HOSTS && !this.#makeRoom()) return false
    this.#ports.set(host, new Set([port]))
    return true
  }

  clear(): void {
    this.#ports.clear()
    this.#named = 0
  }

  /** One goes, as likely as it must be that each that was named is equally likely here. */
  #makeRoom(): boolean {
    const place = Math.floor(this.#random() * this.#named)
    const [gone] = [...this.#ports.keys()].slice(place, place + 1)
    return gone !== undefined && this.#ports.delete(gone)
  }
}
