import b4a from 'b4a'

/**
 * Gives every writer key that was ever mentioned a small number, so that dots in the view take bytes instead of 32-byte keys.
 * The numbers are local to this device; everything that leaves it, and the canonical order, uses the keys.
 */
export class WriterTable {
  readonly #keys: Uint8Array[] = []
  readonly #ids = new Map<string, number>()

  get size(): number {
    return this.#keys.length
  }

  /** The writer's number; a new one for a key seen for the first time. */
  idOf(key: Uint8Array): number {
    const hex = b4a.toString(key, 'hex')
    const known = this.#ids.get(hex)
    if (known !== undefined) return known
    const id = this.#keys.push(key) - 1
    this.#ids.set(hex, id)
    return id
  }

  /** The writer's number, or -1 for a key that was never mentioned. */
  find(key: Uint8Array): number {
    return this.#ids.get(b4a.toString(key, 'hex')) ?? -1
  }

  keyOf(id: number): Uint8Array {
    const key = this.#keys[id]
    if (key === undefined) throw new Error(`no writer has number ${id}`)
    return key
  }

  /** All keys, by number. */
  keys(): readonly Uint8Array[] {
    return this.#keys
  }
}
