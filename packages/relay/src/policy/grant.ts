import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'

/** What a grant allows, as bits of one byte. */
export const SCOPE: { readonly REGISTER: 1; readonly OPEN: 2; readonly UDP: 4 } = {
  /** To keep a registration, and so to be reached through the relay. */
  REGISTER: 1,
  /** To reach registered devices through the stream plane. */
  OPEN: 2,
  /** To pair UDP streams on the relay. */
  UDP: 4
}

/** All of them. */
export const ALL_SCOPES: number = SCOPE.REGISTER | SCOPE.OPEN | SCOPE.UDP

/** A signed capability, read. All keys are Ed25519 public keys of 32 bytes. */
export interface Grant {
  readonly issuer: Uint8Array
  /** Whose it is: nobody else can use it, since the relay's Noise handshake proves the device's key. */
  readonly device: Uint8Array
  /** The one relay it is for; all zeros for every relay that counts the issuer among its own. */
  readonly relay: Uint8Array
  /** Bits of {@link SCOPE}. */
  readonly scopes: number
  /** Bytes a second that its device sends, over all connections; 0 for no limit. */
  readonly bytesPerSecond: number
  /** Bytes that its device sends in all, until it expires; 0 for no limit. */
  readonly quotaBytes: number
  /** Milliseconds since 1970; whole seconds on the wire. */
  readonly expiresAt: number
  /** 16 random bytes: its name, by which it is metered and revoked. */
  readonly nonce: Uint8Array
}

/** What {@link createGrant} needs. */
export interface GrantOptions {
  device: Uint8Array
  /** @defaultValue every relay of the issuer */
  relay?: Uint8Array
  /** @defaultValue all */
  scopes?: number
  /** 65,536 or more. @defaultValue 0, no limit */
  bytesPerSecond?: number
  /** @defaultValue 0, no limit */
  quotaBytes?: number
  /** Milliseconds since 1970. */
  expiresAt: number
  /** @defaultValue random */
  nonce?: Uint8Array
}

/**
 * Slowest rate there can be: what eight connections that are busy at once share, and none is silent for so long that it counts as dead.
 */
export const LEAST_BYTES_PER_SECOND: number = 64 * 1024
const VERSION = 1
const DOMAIN = b4a.from('cloudpal/relay/1/grant\0')
const SIGNED_BYTES = 138
/** Length of every grant. */
export const GRANT_BYTES: number = SIGNED_BYTES + 64

/**
 * Signs a grant. PROTOCOL.md, "Grants", has its bytes.
 *
 * @param issuer - a key pair that the relay counts among its issuers: the owner's
 * @returns 202 bytes, safe to hand over in the open: only the device can use them
 * @throws {@link RelayError} `RELAY_BAD_ARGUMENT`
 */
export function createGrant(issuer: KeyPair, options: GrantOptions): Uint8Array {
  const { device, relay = b4a.alloc(32), scopes = ALL_SCOPES, nonce = crypto.randomBytes(16) } = options
  const { bytesPerSecond = 0, quotaBytes = 0, expiresAt } = options
  const expires = Math.floor(expiresAt / 1000)
  if (device.length !== 32 || relay.length !== 32 || nonce.length !== 16)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'keys have 32 bytes, and a nonce 16')
  if (!Number.isInteger(scopes) || scopes < 1 || scopes > ALL_SCOPES)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'scopes are bits of SCOPE, at least one')
  if (![bytesPerSecond, quotaBytes, expires].every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new RelayError('RELAY_BAD_ARGUMENT', 'limits and expiry are whole numbers, not negative')
  if (bytesPerSecond > 0 && bytesPerSecond < LEAST_BYTES_PER_SECOND)
    throw new RelayError('RELAY_BAD_ARGUMENT', 'bytesPerSecond is 0 for no limit, or 65,536 or more')
  const bytes = b4a.alloc(GRANT_BYTES)
  const view = viewOf(bytes)
  bytes[0] = VERSION
  bytes.set(issuer.publicKey, 1)
  bytes.set(device, 33)
  bytes.set(relay, 65)
  bytes[97] = scopes
  view.setBigUint64(98, BigInt(bytesPerSecond), true)
  view.setBigUint64(106, BigInt(quotaBytes), true)
  view.setBigUint64(114, BigInt(expires), true)
  bytes.set(nonce, 122)
  bytes.set(crypto.sign(signed(bytes), issuer.secretKey), SIGNED_BYTES)
  return bytes
}

/** Reads a grant and checks its signature, nothing else. `null` for what is no grant of this version, such as one for less than 65,536 bytes a second. */
export function readGrant(bytes: Uint8Array): Grant | null {
  if (bytes.length !== GRANT_BYTES || bytes[0] !== VERSION) return null
  const issuer = b4a.from(bytes.subarray(1, 33))
  if (!crypto.verify(signed(bytes), bytes.subarray(SIGNED_BYTES), issuer)) return null
  const view = viewOf(bytes)
  const [bytesPerSecond, quotaBytes, expires] = [98, 106, 114].map((at) =>
    Number(view.getBigUint64(at, true))
  ) as [number, number, number]
  if (bytesPerSecond > 0 && bytesPerSecond < LEAST_BYTES_PER_SECOND) return null
  return {
    issuer,
    device: b4a.from(bytes.subarray(33, 65)),
    relay: b4a.from(bytes.subarray(65, 97)),
    scopes: bytes[97] ?? 0,
    bytesPerSecond,
    quotaBytes,
    expiresAt: expires * 1000,
    nonce: b4a.from(bytes.subarray(122, 138))
  }
}

function signed(bytes: Uint8Array): Uint8Array {
  return b4a.concat([DOMAIN, bytes.subarray(0, SIGNED_BYTES)])
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
