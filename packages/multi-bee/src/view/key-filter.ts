/** 1 MiB: of 400,000 keys one absent key in a thousand is taken for one that was added, of 800,000 one in a hundred (measured). */
const FILTER_BITS = 2 ** 23
const PROBES = 4

/**
 * Which keys were never added: a Bloom filter (Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970), its probes
 * made from two hashes (Kirsch and Mitzenmacher, "Less hashing, same performance", 2006). Of fixed size, whatever is added.
 */
export class KeyFilter {
  readonly #words = new Uint32Array(FILTER_BITS / 32)

  add(key: Uint8Array): void {
    let hash = hashOf(key)
    const step = mixed(hash) | 1
    for (let i = 0; i < PROBES; i++, hash += step) {
      const word = wordAt(hash)
      this.#words[word] = (this.#words[word] ?? 0) | (1 << hash)
    }
  }

  /** `false`: it was never added. `true`: it may have been. */
  mayHold(key: Uint8Array): boolean {
    let hash = hashOf(key)
    const step = mixed(hash) | 1
    for (let i = 0; i < PROBES; i++, hash += step)
      if (((this.#words[wordAt(hash)] ?? 0) & (1 << hash)) === 0) return false
    return true
  }
}

/** The word a bit is in; the five lowest bits of a hash say which of its bits. */
function wordAt(hash: number): number {
  return (hash >>> 5) % (FILTER_BITS / 32)
}

/** FNV-1a of 32 bits. */
function hashOf(key: Uint8Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193)
  return mixed(hash)
}

/** The finalizer of MurmurHash3 (public domain, Austin Appleby): each bit of the input changes half of the output's. */
function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
