import b4a from 'b4a'
import { SecretShareError } from './errors.ts'
import type { SetSheet } from './format/set-sheet.ts'
import { checkSignature, Share } from './format/share.ts'
import { decodeText } from './format/text.ts'
import { fitsSheet } from './possession.ts'

/** A share, its bytes, or its text. */
export type ShareInput = Share | Uint8Array | string

/**
 * Reads a share and checks what can be checked of it alone: form, checksum, and that its dealer signed it. With the
 * set sheet also that it is of this very set, and that its secret part is the one that was dealt.
 *
 * Without a sheet anybody can sign a share of a set of their own: compare `header.dealer`, or have the sheet.
 *
 * @returns the share, as read
 * @throws SecretShareError whose code says what is wrong, in words for its holder
 */
export function verifyShare(input: ShareInput, sheet?: SetSheet): Share {
  const share = readShare(input)
  checkSignature(share)
  if (sheet) checkAgainst(share, sheet)
  return share
}

/** Checks the form only. @throws SecretShareError */
export function readShare(input: ShareInput): Share {
  if (input instanceof Share) return input
  if (typeof input === 'string') return Share.fromBytes(decodeText('share', input))
  if (input instanceof Uint8Array) return Share.fromBytes(input)
  throw new SecretShareError(
    'SECRET_SHARE_BAD_ARGUMENT',
    'a share is text, bytes, or what verifyShare() gave'
  )
}

/** @throws SECRET_SHARE_OTHER_DEALER, SECRET_SHARE_OTHER_SET, SECRET_SHARE_OTHER_EPOCH, SECRET_SHARE_FORGED */
export function checkAgainst(share: Share, sheet: SetSheet): void {
  const { header } = sheet
  checkOrigin(share, header.dealer, header.setId)
  if (share.header.epoch !== header.epoch) throw otherEpoch()
  const samePayload = share.payload === null || b4a.equals(share.payload, sheet.payload)
  if (!b4a.equals(share.commitment, sheet.commitment) || !samePayload) throw otherSet()
  if (!fitsSheet(share, sheet)) {
    throw new SecretShareError(
      'SECRET_SHARE_FORGED',
      'This is not the share that was handed out under this number, though it is signed.'
    )
  }
}

/** @throws SECRET_SHARE_OTHER_DEALER, SECRET_SHARE_OTHER_SET */
export function checkOrigin(
  share: Share,
  dealer: Uint8Array | undefined,
  setId: Uint8Array | undefined
): void {
  if (dealer && !b4a.equals(share.header.dealer, dealer)) {
    throw new SecretShareError(
      'SECRET_SHARE_OTHER_DEALER',
      'This share was not made by the person whose secret this is.'
    )
  }
  if (setId && !b4a.equals(share.header.setId, setId)) throw otherSet()
}

/** A share that is whole and signed, of something else. */
export function otherSet(): SecretShareError {
  return new SecretShareError('SECRET_SHARE_OTHER_SET', 'This share belongs to another secret.')
}

/** One of the same secret, from another time. */
export function otherEpoch(): SecretShareError {
  return new SecretShareError(
    'SECRET_SHARE_OTHER_EPOCH',
    'This share is of another time: the set was renewed. Ask its holder for the one of the same date as the others.'
  )
}
