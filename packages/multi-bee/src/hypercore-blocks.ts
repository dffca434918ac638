import type Hypercore from 'hypercore'
import b4a from 'b4a'

// Part of the adapter to Hypercore, and like it allowed to know private things: `core.core.state.storage` (hypercore 11.37,
// lib/session-state.js; hypercore-storage 3.3, lib/tx.js), and what `core.encryption` does (lib/default-encryption.js).

/** What `core.core` is, as far as it is used here. */
interface CoreInternals {
  readonly state: { readonly storage: { read(): BlockReader } }
}

interface BlockReader {
  getBlock(index: number): Promise<Uint8Array | null>
  tryFlush(): void
}

interface Encrypted {
  readonly encryption: {
    decrypt(index: number, block: Uint8Array, core: unknown): unknown
    /** Bytes before the block's own. */
    padding(core: unknown, index: number): number
  } | null
}

/**
 * Blocks `start` to `end` of an open core, decrypted; `null` for one that is not here. One read for all of them, since each costs a trip
 * to another thread: `core.get` makes one for every block.
 */
export async function readBlocks(
  core: Hypercore,
  start: number,
  end: number
): Promise<(Uint8Array | null)[]> {
  if (core.closing !== null) throw new Error('the core is closed')
  const reader = internalsOf(core).state.storage.read()
  const reading: Promise<Uint8Array | null>[] = []
  for (let index = start; index < end; index++) reading.push(reader.getBlock(index))
  reader.tryFlush()
  const blocks = await Promise.all(reading)
  for (const [i, block] of blocks.entries())
    if (block !== null) blocks[i] = await decrypted(core, start + i, block)
  return blocks
}

/** What of the private API is missing. */
export function checkBlockApi(core: Hypercore): string[] {
  return typeof internalsOf(core)?.state?.storage?.read === 'function' ? [] : ['state.storage']
}

async function decrypted(core: Hypercore, index: number, block: Uint8Array): Promise<Uint8Array> {
  const { encryption } = core as unknown as Encrypted
  if (encryption === null) return block
  // As in Hypercore: what was read might be shared with other sessions.
  const copy = b4a.from(block)
  await encryption.decrypt(index, copy, core.core)
  return copy.subarray(encryption.padding(core.core, index))
}

function internalsOf(core: Hypercore): CoreInternals {
  return core.core as CoreInternals
}
