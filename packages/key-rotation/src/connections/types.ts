import type { KeyRotationErrorCode } from '../errors.ts'
import type { Duplicity, Superseded } from '../memory/types.ts'
import type { IdentityState } from '../state/state.ts'
import type { ConnectionLike } from './connection.ts'

export interface AuthenticatorOptions {
  /**
   * The clock, in ms since 1970.
   *
   * @defaultValue Date.now
   */
  now?: () => number
  /**
   * How long the other side has to say who it is, in ms.
   *
   * @defaultValue 10000
   */
  patienceMs?: number
  /** There is another state than before, kept already: by another device, or by `publish`. */
  onstate?: (state: IdentityState) => void
  /** The identity is forked, also since before a restart: nothing new counts until `memory.choose`. */
  onduplicity?: (duplicity: Duplicity) => void
  /** A stronger history has taken back what counted here: for the person, again after each restart until `memory.acknowledge`. */
  onsuperseded?: (superseded: Superseded) => void
  /** A connection was closed, before or after its device was known. */
  onrefused?: (refusal: Refusal) => void
  /**
   * One of the callbacks above has thrown this: nothing else depends on them, all is done before they are called. Or the memory's store has: then what was told
   * counts for connections all the same, and is tried again each minute, also by who tells it again.
   *
   * @defaultValue it is thrown again, in a task of its own
   */
  onerror?: (error: unknown) => void
}

export interface Refusal {
  readonly connection: ConnectionLike
  /** Its key, if it has shown that it has it. */
  readonly device: Uint8Array | null
  readonly code: KeyRotationErrorCode
}
