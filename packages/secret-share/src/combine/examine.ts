import b4a from 'b4a'
import { SecretShareError, type SecretShareErrorCode, type ShareFault } from '../errors.ts'
import type { SetSheet } from '../format/set-sheet.ts'
import { checkSignature, groupOf, type Share } from '../format/share.ts'
import { checkAgainst, checkOrigin, readShare, type ShareInput } from '../verify-share.ts'

/** Which set is wanted, as far as it is known. */
export interface Wanted {
  readonly sheet?: SetSheet | undefined
  readonly dealer?: Uint8Array | undefined
  readonly setId?: Uint8Array | undefined
}

/** A share that was given, and is what it says to be. */
export interface Candidate {
  readonly position: number
  readonly share: Share
  /** The same text for all shares of one set and epoch. */
  readonly group: string
}

/** Reads and checks each share by itself; those that are no good go to `faults`. */
export function examine(inputs: readonly ShareInput[], wanted: Wanted, faults: ShareFault[]): Candidate[] {
  const candidates: Candidate[] = []
  for (const [position, input] of inputs.entries()) {
    let share: Share | null = null
    try {
      share = readShare(input)
      checkSignature(share)
      checkOrigin(share, wanted.dealer, wanted.setId)
      if (wanted.sheet) checkAgainst(share, wanted.sheet)
      candidates.push({ position, share, group: b4a.toString(groupOf(share), 'hex') })
    } catch (error) {
      if (!(error instanceof SecretShareError)) throw error
      faults.push({ position, index: share?.index ?? null, code: error.code, message: error.words })
    }
  }
  return candidates
}

/** Says what is wrong with a share that was good until then. */
export function faultOf(
  { position, share }: Candidate,
  code: SecretShareErrorCode,
  message: string
): ShareFault {
  return { position, index: share.index, code, message }
}
