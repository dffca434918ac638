import { badArgument, checkKey } from '../arguments.ts'
import { blockCipher, cipherPadding } from './hypercore-adapter.ts'
import { type LineagePart, placeOf } from './lineage.ts'
import type { BlockEncryption } from './types.ts'

/**
 * Encryption of the newest of a name's cores: each block with the key of the core that it was written to. So no key and nonce are used twice, although a
 * stolen device may still write to an old core at the same places.
 *
 * @param lineage - a name's cores, oldest first: `resolve(state, name).lineage`, and for a new one its plan
 * @param encryptionKey - 32 bytes, as the first core was opened with: `{ encryption: { key } }`
 * @returns what Hypercore takes as `encryption`
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export function lineageEncryption(
  lineage: readonly LineagePart[],
  encryptionKey: Uint8Array
): BlockEncryption {
  checkKey(encryptionKey, 'an encryption key')
  if (lineage.length === 0) throw badArgument('a name has at least one core')
  const ciphers = lineage.map(({ core }) => blockCipher(encryptionKey, core))
  const cipherOf = (index: number): (typeof ciphers)[number] =>
    ciphers[placeOf(lineage, index)] as (typeof ciphers)[number]
  return {
    padding: () => cipherPadding(),
    encrypt: (index, block, fork, core) => cipherOf(index).encrypt(index, block, fork, core),
    decrypt: (index, block, core) => cipherOf(index).decrypt(index, block, core)
  }
}
