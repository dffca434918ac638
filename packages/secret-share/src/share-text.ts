import { checkShare } from './arguments.ts'
import type { Share } from './format/share.ts'
import { encodeText } from './format/text.ts'

/**
 * A share as text: bech32m, lower case, about 470 characters. As secret as the share. `verifyShare` and `combine` take
 * it back, in any layout.
 */
export function shareToText(share: Share): string {
  checkShare(share)
  return encodeText('share', share.toBytes())
}

/** The bytes of `sealShare` as text. Worthless to anybody but the one it is sealed to. */
export function sealedToText(sealed: Uint8Array): string {
  return encodeText('sealed', sealed)
}
