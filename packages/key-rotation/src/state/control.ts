import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import type { Change, DecodedEvent } from '../format/event.ts'
import {
  addNames,
  checkCommitment,
  checkFreshCommitment,
  checkKeySet,
  checkPolicy,
  checkUnnamed,
  checkUnreserved,
  newPolicyKeys
} from './key-sets.ts'
import { checkSignatures, demand } from './signatures.ts'
import type { Draft } from './state.ts'

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>

/** The state that an inception begins. */
export function incept(event: DecodedEvent, { control, next, recovery }: Of<'inception'>): Draft {
  checkKeySet(control)
  checkKeySet(next)
  if (recovery !== null) checkPolicy(recovery)
  const keys = [...control.keys, ...newPolicyKeys(null, recovery)]
  const named = new Set<string>()
  checkUnnamed({ named }, keys)
  checkFreshCommitment({ named }, next, keys)
  demand(checkSignatures(event, { control: control.keys }), 'control', control)
  addNames({ named }, keys)
  return {
    identity: event.hash,
    seq: 0,
    hash: event.hash,
    time: event.time,
    control,
    next,
    recovery,
    pending: null,
    devices: [],
    deviceIndex: new Map(),
    cores: new Map(),
    places: new Map(),
    cutOffs: new Map(),
    adminEnds: new Set(),
    named
  }
}

/** The keys that were committed to take over. The present ones sign, too, where they are at hand. */
export function rotate(
  draft: Draft,
  event: DecodedEvent,
  { control, next, recovery }: Of<'rotate'>
): () => void {
  checkKeySet(control)
  checkKeySet(next)
  checkCommitment(draft.next, control)
  if (recovery !== null) checkPolicy(recovery)
  const fresh = newPolicyKeys(draft.recovery, recovery)
  const keys = [...control.keys, ...fresh]
  checkUnnamed(draft, keys)
  checkUnreserved(draft, fresh)
  checkFreshCommitment(draft, next, keys)
  const quorum = recovery === null ? null : draft.recovery?.quorum
  const counts = checkSignatures(event, {
    control: draft.control.keys,
    next: control.keys,
    ...(quorum && { recovery: quorum.keys })
  })
  demand(counts, 'next', control)
  // Or whoever has stolen the keys could take the quorum away from its owner.
  if (quorum) demand(counts, 'recovery', quorum)
  return () => {
    draft.control = control
    draft.next = next
    if (recovery !== null) {
      draft.recovery = recovery
      // The quorum has signed, and is another one now; what all keys stood behind stays.
      if (draft.pending?.final === false) draft.pending = null
    }
    addNames(draft, keys)
  }
}

export function announceRecovery(
  draft: Draft,
  event: DecodedEvent,
  { control, next, revealed }: Of<'announceRecovery'>
): () => void {
  const { recovery } = draft
  if (recovery === null)
    throw new KeyRotationError(
      'KEY_ROTATION_NO_RECOVERY',
      'this identity has no quorum that could recover it'
    )
  checkKeySet(control)
  checkKeySet(next)
  if (revealed !== null) checkCommitment(draft.next, revealed)
  const keys = [...control.keys, ...(revealed?.keys ?? [])]
  checkUnnamed(draft, keys)
  checkFreshCommitment(draft, next, keys)
  const counts = checkSignatures(event, {
    recovery: recovery.quorum.keys,
    incoming: control.keys,
    ...(revealed !== null && { next: revealed.keys })
  })
  demand(counts, 'recovery', recovery.quorum)
  demand(counts, 'incoming', control)
  if (revealed !== null) demand(counts, 'next', revealed)
  return () => {
    // Keys that are only announced are not named yet: a vetoed recovery may come again with the same.
    draft.pending = {
      announcement: event.hash,
      control,
      next,
      announced: event.time,
      due: event.time + (revealed === null ? recovery.delayMs : 0),
      final: revealed !== null
    }
  }
}

export function vetoRecovery(
  draft: Draft,
  event: DecodedEvent,
  { announcement }: Of<'vetoRecovery'>
): () => void {
  const pending = pendingOf(draft, announcement)
  if (pending.final) {
    const message = 'the pre-rotated keys stand behind this recovery: nobody can object'
    throw new KeyRotationError('KEY_ROTATION_RECOVERY_FINAL', message)
  }
  demand(checkSignatures(event, { control: draft.control.keys }), 'control', draft.control)
  return () => {
    draft.pending = null
  }
}

export function recover(draft: Draft, event: DecodedEvent, { announcement }: Of<'recover'>): () => void {
  const pending = pendingOf(draft, announcement)
  if (event.time < pending.due) {
    const message = `there is still time to object, for ${pending.due - event.time} ms`
    throw new KeyRotationError('KEY_ROTATION_RECOVERY_TOO_EARLY', message)
  }
  const { control, next } = pending
  checkUnnamed(draft, control.keys)
  // They may have been rotated to meanwhile, and nobody could rotate to them again.
  checkFreshCommitment(draft, next, control.keys)
  demand(checkSignatures(event, { incoming: control.keys }), 'incoming', control)
  return () => {
    draft.control = control
    draft.next = next
    draft.pending = null
    addNames(draft, control.keys)
  }
}

function pendingOf({ pending }: Draft, announcement: Uint8Array): NonNullable<Draft['pending']> {
  if (pending !== null && b4a.equals(pending.announcement, announcement)) return pending
  throw new KeyRotationError(
    'KEY_ROTATION_NO_RECOVERY',
    'no such recovery is waiting: it was completed, vetoed or replaced'
  )
}
