import { RelayError, type RelayErrorCode } from '../errors.ts'

/** How a refusal begins on the wire: the three answers that are not yes. PROTOCOL.md, "Refusals". */
export type RefusalKind = 'DENY' | 'QUOTA' | 'REDIRECT'

/** Why a relay does not serve, or no longer serves, a device. A value, not an error: it goes over the wire. */
export interface Refusal {
  readonly code: RelayErrorCode
  /** Milliseconds after which the same may be tried again; 0 says nothing about that. */
  readonly retryAfterMs: number
  /** The public key of the relay to ask instead, 32 bytes; `null` in all but `RELAY_REDIRECT`. Never an address. */
  readonly redirect: Uint8Array | null
}

interface Row {
  readonly byte: number
  readonly kind: RefusalKind
  readonly words: string
}

/** The byte of each refusal on the wire. Never reuse one. */
const ROWS = {
  RELAY_DENIED: { byte: 1, kind: 'DENY', words: 'the relay does not know this key' },
  RELAY_BAD_GRANT: {
    byte: 2,
    kind: 'DENY',
    words: 'the grant is not whole, or not of an issuer of this relay'
  },
  RELAY_GRANT_EXPIRED: { byte: 3, kind: 'DENY', words: 'the grant has expired' },
  RELAY_GRANT_NOT_YOURS: { byte: 4, kind: 'DENY', words: 'the grant is for another device' },
  RELAY_GRANT_OTHER_RELAY: { byte: 5, kind: 'DENY', words: 'the grant is for another relay' },
  RELAY_REVOKED: { byte: 6, kind: 'DENY', words: 'the device or its grant was revoked' },
  RELAY_NO_SCOPE: { byte: 7, kind: 'DENY', words: 'the grant does not cover this' },
  RELAY_NOT_REGISTERED: { byte: 8, kind: 'DENY', words: 'the target is not registered at this relay' },
  RELAY_PROTOCOL: { byte: 9, kind: 'DENY', words: 'what was sent does not follow the protocol' },
  RELAY_TIMEOUT: { byte: 10, kind: 'DENY', words: 'nothing came in time' },
  RELAY_QUOTA: { byte: 16, kind: 'QUOTA', words: 'the bytes that were granted are spent' },
  RELAY_TOO_MANY: { byte: 17, kind: 'QUOTA', words: 'too many connections or pairings at once' },
  RELAY_REDIRECT: { byte: 32, kind: 'REDIRECT', words: 'another relay of the same owner serves' },
  RELAY_DRAINING: { byte: 33, kind: 'REDIRECT', words: 'the relay is going down' }
} as const satisfies Partial<Record<RelayErrorCode, Row>>

/** The codes a relay can refuse with. */
export type RefusalCode = keyof typeof ROWS

const BY_BYTE = new Map(Object.entries(ROWS).map(([code, { byte }]) => [byte as number, code as RefusalCode]))

/** Makes a refusal. */
export function refusal(
  code: RefusalCode,
  { retryAfterMs = 0, redirect = null }: { retryAfterMs?: number; redirect?: Uint8Array | null } = {}
): Refusal {
  return { code, retryAfterMs, redirect }
}

/** Which of the three answers it is. */
export function refusalKind({ code }: Refusal): RefusalKind {
  return code in ROWS ? ROWS[code as RefusalCode].kind : 'DENY'
}

/** Its byte on the wire. */
export function refusalByte({ code }: Refusal): number {
  return code in ROWS ? ROWS[code as RefusalCode].byte : ROWS.RELAY_DENIED.byte
}

/** The code of a byte; `RELAY_DENIED` for one that a newer relay may know. */
export function refusalCode(byte: number): RefusalCode {
  return BY_BYTE.get(byte) ?? 'RELAY_DENIED'
}

/** The error a client throws for it. */
export function refusalError({ code, retryAfterMs }: Refusal): RelayError {
  const words = code in ROWS ? ROWS[code as RefusalCode].words : 'the relay refused'
  return new RelayError(code, words, { retryAfterMs })
}
