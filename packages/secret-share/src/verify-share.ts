import { checkSheet } from './arguments.ts'
import { equal } from './crypto/crypto.ts'
import { SecretShareError } from './errors.ts'
import { sameHeader } from './format/header.ts'
import type { SetSheet } from './format/set-sheet.ts'
import { checkSignature, Share } from './format/share.ts'
import { decodeText } from './format/text.ts'
import { fitsSheet } from './possession.ts'
import type { SetHeader } from './types.ts'

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
  if (sheet !== undefined) checkSheet(sheet)
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
  const own = share.header
  checkOrigin(own, header)
  if (own.epoch !== header.epoch) throw otherEpoch()
  const samePayload = share.payload === null || equal(share.payload, sheet.payload)
  const same = equal(share.commitment, sheet.commitment) && sameHeader(own, header)
  if (!same || !samePayload) throw otherSet()
  if (!fitsSheet(share, sheet)) {
    throw new SecretShareError(
      'SECRET_SHARE_FORGED',
      'This is not the share that was handed out under this number, though it is signed.'
    )
  }
}

/** @throws SECRET_SHARE_OTHER_DEALER, SECRET_SHARE_OTHER_SET */
export function checkOrigin(
  own: SetHeader,
  { dealer, setId }: { readonly dealer?: Uint8Array | undefined; readonly setId?: Uint8Array | undefined }
): void {
  if (dealer && !equal(own.dealer, dealer)) throw otherDealer()
  if (setId && !equal(own.setId, setId)) throw otherSet()
}

/** A share that is whole and signed, by somebody else. */
export function otherDealer(): SecretShareError {
  return new SecretShareError(
    'SECRET_SHARE_OTHER_DEALER',
    'This share was not made by the person whose secret this is.'
  )
}

/** A share that is whole and signed, of something else. */
export function otherSet(): SecretShareError {
  return new SecretShareError('SECRET_SHARE_OTHER_SET', 'This share belongs to another secret.')
}

/** One of the same secret, from another time. */
export function otherEpoch(): SecretShareError {
  return new SecretShareError(
    'SECRET_SHARE_OTHER_EPOCH',
    'This share is of another time: the set was renewed. Ask its holder for the newest one; if the renewal was never finished, say which time is meant.'
  )
}

/** One of what is called otherwise. */
export function otherLabel(own: string, wanted: string): SecretShareError {
  // Isolated (UAX 9): letters from right to left do not turn the sentence round.
  const words = `This is a share of “\u2068${own}\u2069”, and not of “\u2068${wanted}\u2069”.`
  return new SecretShareError('SECRET_SHARE_OTHER_LABEL', words)
}
