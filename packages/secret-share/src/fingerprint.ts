import { hex } from '@scure/base'
import { badArgument, isKey } from './arguments.ts'
import { hash } from './crypto/crypto.ts'

/** 128 bits: nobody finds a second key with the same. */
const BYTES = 16

/**
 * What people tell a dealer's key by, where there is no sheet: the first 128 bits of its hash in hexadecimal digits, eight groups of four. It
 * stands on recovery sheets; `combine` takes it as a pin.
 *
 * @param dealer an Ed25519 key, 32 bytes: `share.header.dealer`
 * @throws SECRET_SHARE_BAD_ARGUMENT
 */
export function dealerFingerprint(dealer: Uint8Array): string {
  if (!isKey(dealer, 32)) throw badArgument('the dealer’s key must be 32 bytes')
  const digits = hex.encode(hash('fingerprint', [dealer]).subarray(0, BYTES))
  return digits.replaceAll(/(.{4})(?=.)/g, '$1 ')
}

/** Whether somebody could have read it off a sheet. */
export function isFingerprint(text: unknown): boolean {
  return typeof text === 'string' && /^[0-9a-f]{32}$/.test(plain(text))
}

/** Whether it is that key's. */
export function hasFingerprint(dealer: Uint8Array, fingerprint: string): boolean {
  return plain(dealerFingerprint(dealer)) === plain(fingerprint)
}

function plain(fingerprint: string): string {
  return fingerprint
    .slice(0, 200)
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '')
}
