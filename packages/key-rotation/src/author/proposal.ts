import b4a from 'b4a'
import {
  badArgument,
  checkCount,
  checkKey,
  checkKeyPair,
  checkOptions,
  checkState,
  isBytes
} from '../arguments.ts'
import { HASH_BYTES, sign } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import { encodeBody, encodeEvent, eventHash, SIGNER_CLASSES } from '../format/event.ts'
import type { Change, EventSignature, SignerClass } from '../format/event.ts'
import { deviceOf, type IdentityState } from '../state/state.ts'
import type { KeyPair } from '../types.ts'

const SIGNATURE_FIELDS: readonly (keyof EventSignature)[] = ['signer', 'index', 'signature']

/** An event without signatures, to be signed by one or several, in one place or several. */
export interface Proposal {
  /** What is signed is its hash. `decodeEvent(sealProposal(proposal, []))` says what it is. */
  readonly body: Uint8Array
  readonly hash: Uint8Array
  /** Who can sign, in order. */
  readonly signers: { readonly [C in SignerClass]: readonly Uint8Array[] }
}

/**
 * The next event of an identity, or its first.
 *
 * @param state - `null` for an inception
 * @param time - in ms since 1970
 * @param admin - key of the device that acts as admin; `null`: the identity's own keys act
 * @throws KEY_ROTATION_BAD_ARGUMENT for numbers and keys of a wrong form, and fields that there are not; whether the event is right, `apply` says
 */
export function propose(
  state: IdentityState | null,
  change: Change,
  time: number,
  admin: Uint8Array | null = null
): Proposal {
  checkCount(time, 'a time')
  if (state !== null) checkState(state)
  if (admin !== null) checkKey(admin, 'the key of an admin')
  const device = admin && state && deviceOf(state, admin)
  if (admin !== null && device === null) throw badArgument('the admin is none of the devices')
  const place =
    state === null
      ? { identity: null, seq: 0, previous: null, time, admin: null }
      : {
          identity: state.identity,
          seq: state.seq + 1,
          previous: state.hash,
          time,
          admin: device?.index ?? null
        }
  let body: Uint8Array
  try {
    body = encodeBody({ ...place, change })
  } catch (cause) {
    if (cause instanceof KeyRotationError) throw cause
    throw badArgument('a field of this event is missing, or of another type')
  }
  return { body, hash: eventHash(body), signers: signersOf(state, change, admin !== null) }
}

/**
 * One party's signatures: of every place among the signers that the key has. What is signed is the body, whatever came with it.
 *
 * @throws KEY_ROTATION_BAD_ARGUMENT for a key that has none, and for a hash of something else
 */
export function signProposal(proposal: Proposal, keyPair: KeyPair): EventSignature[] {
  checkProposal(proposal)
  const { body, hash, signers } = proposal
  checkKeyPair(keyPair)
  const signed = eventHash(body)
  if (!b4a.equals(signed, hash)) throw badArgument('the hash is of something else than the body')
  const places = SIGNER_CLASSES.flatMap((signer) => {
    const index = signers[signer].findIndex((key) => b4a.equals(key, keyPair.publicKey))
    return index === -1 ? [] : [{ signer, index }]
  })
  if (places.length === 0) throw badArgument('this key has no place among those that could sign the event')
  const signature = sign('signature', signed, keyPair)
  return places.map((place) => ({ ...place, signature }))
}

/** The event, with signatures of any number of parties in any order. Each counts once. @throws KEY_ROTATION_BAD_ARGUMENT */
export function sealProposal(proposal: Proposal, signatures: readonly EventSignature[]): Uint8Array {
  checkProposal(proposal)
  if (!Array.isArray(signatures)) throw badArgument('the signatures must be an array')
  for (const signature of signatures) checkOptions(signature, SIGNATURE_FIELDS)
  const rank = ({ signer, index }: EventSignature): number => SIGNER_CLASSES.indexOf(signer) * 2 ** 32 + index
  const byPlace = new Map(signatures.map((signature) => [rank(signature), signature]))
  const sorted = [...byPlace.entries()].sort(([a], [b]) => a - b).map(([, signature]) => signature)
  return encodeEvent(proposal.body, sorted)
}

function checkProposal(proposal: Proposal): void {
  const { body, hash, signers } = proposal ?? {}
  const isWhole =
    body instanceof Uint8Array &&
    isBytes(hash, HASH_BYTES) &&
    SIGNER_CLASSES.every((signer) => Array.isArray(signers?.[signer]))
  if (!isWhole) throw badArgument('a proposal is what `propose` gives')
  for (const key of SIGNER_CLASSES.flatMap((signer) => signers[signer])) checkKey(key, 'the key of a signer')
}

function signersOf(state: IdentityState | null, change: Change, isByAdmin: boolean): Proposal['signers'] {
  const { kind } = change
  const isByQuorum = kind === 'announceRecovery' || (kind === 'rotate' && change.recovery !== null)
  return {
    control:
      kind === 'inception'
        ? change.control.keys
        : signsAsControl(kind) && !isByAdmin
          ? (state?.control.keys ?? [])
          : [],
    next:
      kind === 'rotate'
        ? change.control.keys
        : kind === 'announceRecovery'
          ? (change.revealed?.keys ?? [])
          : [],
    recovery: isByQuorum ? (state?.recovery?.quorum.keys ?? []) : [],
    device: isByAdmin ? (state?.devices.map(({ key }) => key) ?? []) : [],
    incoming:
      kind === 'announceRecovery'
        ? change.control.keys
        : kind === 'recover'
          ? (state?.pending?.control.keys ?? [])
          : []
  }
}

function signsAsControl(kind: Change['kind']): boolean {
  return kind !== 'announceRecovery' && kind !== 'recover'
}
