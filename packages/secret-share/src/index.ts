/**
 * Any M of N friends bring a secret back, fewer learn nothing, and a wrong or forged share is named. QR codes and printed sheets are in `/qr`,
 * recovery over a Hyperswarm connection in `/protomux`, SLIP-39 in `/paper`.
 *
 * @packageDocumentation
 */
export { combine } from './combine/combine.ts'
export type { CombineOptions } from './combine/options.ts'
export { Recovered, type RecoveredSummary } from './combine/recovered.ts'
export { corestoreKey, type CorestoreLike } from './corestore-key.ts'
export { drill, type Drilled, type DrillOptions } from './drill.ts'
export {
  SecretShareError,
  type SecretShareErrorCode,
  type SecretShareErrorOptions,
  type ShareFault
} from './errors.ts'
export { dealerFingerprint } from './fingerprint.ts'
export { SetSheet } from './format/set-sheet.ts'
export { Share } from './format/share.ts'
export { keyPairFromBytes, keyPairToBytes } from './key-pair-bytes.ts'
export { answer, challenge, check, type ChallengeOptions } from './possession.ts'
export { holderKeyPair, openShare, sealShare } from './sealing.ts'
export { SecretSet, type HeldShare, type SetWarning } from './secret-set.ts'
export { sealedToText, shareToText } from './share-text.ts'
export { dealerKeyPair, refresh, split, type RefreshOptions, type SplitOptions } from './split.ts'
export type { Holder, KeyPair, RandomBytes, SetHeader } from './types.ts'
export { verifyShare, type ShareInput } from './verify-share.ts'
export { RecoveryAsk } from './recovery/ask.ts'
export type { ShortCode } from './recovery/code.ts'
export { RecoveryHelp, type ApproveOptions, type RecoveryHelpOptions } from './recovery/help.ts'
export type { RecoveryRequest } from './recovery/messages.ts'
export type { Party } from './recovery/party.ts'
export { Recovery, type Asked, type RecoveryOptions, type RestoreOptions } from './recovery/recovery.ts'
