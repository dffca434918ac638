/**
 * Devices change, the person stays: an identity is a chain of signed events that anybody can check offline.
 *
 * @packageDocumentation
 */
export { BlockJudge, type BlockVerdict, type Quarantine } from './block-judge.ts'
export { createKeyPair } from './crypto/crypto.ts'
export { KeyRotationError, type KeyRotationErrorCode } from './errors.ts'
export { type JoinRequest, type JoinTerms, requestToJoin } from './author/possession.ts'
export { propose, type Proposal, sealProposal, signProposal } from './author/proposal.ts'
export { type InceptionOptions, type NewKeys, Sigchain, type SigchainOptions } from './author/sigchain.ts'
export { decodeChain, encodeChain } from './format/chain.ts'
export {
  type Change,
  type DecodedEvent,
  decodeEvent,
  type EventKind,
  type EventSignature,
  type SignerClass
} from './format/event.ts'
export { createReceipt, readReceipt, type Receipt } from './format/receipt.ts'
export { apply } from './state/apply.ts'
export {
  type CoreLink,
  type CorePlace,
  type Device,
  deviceOf,
  type IdentityState,
  isHeld,
  type PendingRecovery,
  type Revocation
} from './state/state.ts'
export type { CoreRoll, CutOff, KeyPair, KeySet, RecoveryPolicy, RevocationReason, Role } from './types.ts'
export { IdentityMemory } from './memory/identity-memory.ts'
export type { Duplicity, IdentityMemoryOptions, MemoryStore, Superseded } from './memory/types.ts'
export { type Resolved, resolve } from './resolve.ts'
export { type Pin, type Verified, verify, type VerifyOptions } from './verify.ts'
export type { Witnesses, WitnessOptions } from './witnesses.ts'
