import { RelayError, type RelayErrorCode } from '../errors.ts'

/** The codes a relay can refuse with. */
export type RefusalCode = Extract<
  RelayErrorCode,
  | 'RELAY_BAD_GRANT'
  | 'RELAY_DENIED'
  | 'RELAY_DRAINING'
  | 'RELAY_GRANT_EXPIRED'
  | 'RELAY_GRANT_NOT_YOURS'
  | 'RELAY_GRANT_OTHER_RELAY'
  | 'RELAY_NOT_REGISTERED'
  | 'RELAY_NO_SCOPE'
  | 'RELAY_PROTOCOL'
  | 'RELAY_QUOTA'
  | 'RELAY_REDIRECT'
  | 'RELAY_REVOKED'
  | 'RELAY_TIMEOUT'
  | 'RELAY_TOO_MANY'
>

/** Why a relay does not serve, or no longer serves, a device. A value, not an error: it goes over the wire. */
export interface Refusal {
  readonly code: RefusalCode
  /** Milliseconds after which the same may be tried again; 0 says nothing about that. */
  readonly retryAfterMs: number
  /** The public key of the relay to ask instead, 32 bytes; `null` in all but `RELAY_REDIRECT`. Never an address. */
  readonly redirect: Uint8Array | null
}

interface Row {
  readonly byte: number
  readonly words: string
}

/** The byte of each refusal on the wire. Never reuse one. */
const ROWS: Record<RefusalCode, Row> = {
  RELAY_DENIED: { byte: 1, words: 'the relay does not know this key' },
  RELAY_BAD_GRANT: {
    byte: 2,

    words: 'the grant is not whole, or not of an issuer of this relay'
  },
  RELAY_GRANT_EXPIRED: { byte: 3, words: 'the grant has expired' },
  RELAY_GRANT_NOT_YOURS: { byte: 4, words: 'the grant is for another device' },
  RELAY_GRANT_OTHER_RELAY: { byte: 5, words: 'the grant is for another relay' },
  RELAY_REVOKED: { byte: 6, words: 'the device or its grant was revoked' },
  RELAY_NO_SCOPE: { byte: 7, words: 'the grant does not cover this' },
  RELAY_NOT_REGISTERED: { byte: 8, words: 'the target is not registered at this relay' },
  RELAY_PROTOCOL: { byte: 9, words: 'what was sent does not follow the protocol' },
  RELAY_TIMEOUT: { byte: 10, words: 'nothing came in time' },
  RELAY_QUOTA: { byte: 16, words: 'the bytes that were granted are spent' },
  RELAY_TOO_MANY: { byte: 17, words: 'too many connections or pairings at once' },
  RELAY_REDIRECT: { byte: 32, words: 'another relay of the same owner serves' },
  RELAY_DRAINING: { byte: 33, words: 'the relay is going down' }
}

const BY_BYTE = new Map(Object.entries(ROWS).map(([code, { byte }]) => [byte, code as RefusalCode]))

/** Makes a refusal. */
export function refusal(
  code: RefusalCode,
  { retryAfterMs = 0, redirect = null }: { retryAfterMs?: number; redirect?: Uint8Array | null } = {}
): Refusal {
  return { code, retryAfterMs, redirect }
}

/** Its byte on the wire. */
export function refusalByte({ code }: Refusal): number {
  return ROWS[code].byte
}

/** The code of a byte; `RELAY_DENIED` for one that a newer relay may know. */
export function refusalCode(byte: number): RefusalCode {
  return BY_BYTE.get(byte) ?? 'RELAY_DENIED'
}

/** The error a client throws for it. */
export function refusalError({ code, retryAfterMs }: Refusal): RelayError {
  return new RelayError(code, ROWS[code].words, { retryAfterMs })
}
