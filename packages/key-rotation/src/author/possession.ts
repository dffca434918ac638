import { badArgument, checkCount, checkKey, checkKeyPair, checkOptions } from '../arguments.ts'
import { sign } from '../crypto/crypto.ts'
import { type Change, encodeTerms } from '../format/event.ts'
import type { KeyPair, Role } from '../types.ts'

export interface JoinTerms {
  /** @defaultValue writer */
  role?: Role
  /**
   * In ms since 1970.
   *
   * @defaultValue null, for never
   */
  expires?: number | null
  /** For people: at most 64 bytes of UTF-8. */
  name: string
}

/** What a new device hands to who lets it in: it has its key, and agrees to these terms and no others. */
export type JoinRequest = Omit<Extract<Change, { kind: 'addDevice' }>, 'kind'>

/**
 * Made on the new device. Its secret key stays there.
 *
 * @param identity - 32 bytes
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export function requestToJoin(identity: Uint8Array, keyPair: KeyPair, options: JoinTerms): JoinRequest {
  checkOptions(options, ['role', 'expires', 'name'])
  const { role = 'writer', expires = null, name } = options
  checkKey(identity, 'an identity')
  checkKeyPair(keyPair)
  if (expires !== null) checkCount(expires, '`expires`')
  // What is written for never.
  if (expires === 0) throw badArgument('`expires` is a time, or null')
  const terms = { key: keyPair.publicKey, role, expires: expires ?? 0, name }
  return { ...terms, possession: sign('possession', encodeTerms({ identity, ...terms }), keyPair) }
}
