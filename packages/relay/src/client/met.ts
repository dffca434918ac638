import b4a from 'b4a'

/** Devices that are remembered. */
const MOST = 256

/**
 * With which keys devices listen in the DHT for paths of sessions, of those that this one has met since it started. A device that has told one can be reached over UDP
 * with a session from the start, which moves when UDP dies; with its own key it can only as hyperdht does it.
 */
export class Met {
  /** By the device's key, who was met last at the end. */
  readonly #keys = new Map<string, Uint8Array>()

  /** @param key - 32 bytes, or nothing where it listens nowhere */
  remember(device: Uint8Array, key: Uint8Array): void {
    const name = b4a.toString(device, 'hex')
    this.#keys.delete(name)
    if (key.length === 0) return
    this.#keys.set(name, b4a.from(key))
    const [oldest] = this.#keys.keys()
    if (this.#keys.size > MOST && oldest !== undefined) this.#keys.delete(oldest)
  }

  keyOf(device: Uint8Array): Uint8Array | null {
    return this.#keys.get(b4a.toString(device, 'hex')) ?? null
  }
}
