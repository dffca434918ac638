import b4a from 'b4a'
import { badArgument, checkOptions } from '../arguments.ts'
import { commitTo, randomBytes } from '../crypto/crypto.ts'
import { encodeChain } from '../format/chain.ts'
import type { Change } from '../format/event.ts'
import { apply } from '../state/apply.ts'
import type { IdentityState } from '../state/state.ts'
import type { CoreRoll, CutOff, KeyPair, RecoveryPolicy, RevocationReason } from '../types.ts'
import { eventsOf, verify, type VerifyOptions } from '../verify.ts'
import type { JoinRequest } from './possession.ts'
import { propose, sealProposal, signProposal } from './proposal.ts'

const SALT_BYTES = 16

/** Keys that are to count together, by their public halves. */
export interface NewKeys {
  /** 1 to 16 keys of 32 bytes. */
  keys: readonly Uint8Array[]
  /**
   * How many of them have to sign.
   *
   * @defaultValue all
   */
  threshold?: number
}

export interface InceptionOptions {
  control: NewKeys
  /** Those that take over at the next rotation: keep their secret halves elsewhere, such as on paper. Only hashes of them are published. */
  next: NewKeys
  /** @defaultValue null: an identity whose keys are all lost is lost */
  recovery?: RecoveryPolicy | null
  /** Key pairs of `control`, at least as many as its threshold. */
  signers: readonly KeyPair[]
  /**
   * 16 bytes.
   *
   * @defaultValue random
   */
  salt?: Uint8Array
}

export interface SigchainOptions {
  /**
   * The clock, in ms since 1970. An event is never of a time before the one it follows.
   *
   * @defaultValue Date.now
   */
  now?: () => number
}

/**
 * A chain in memory, to be written by whoever has keys. Every method that adds an event takes the key pairs that sign it, in any order, checks the
 * event as any verifier would, and changes nothing when it throws. Keeping the events is up to the caller, such as by an
 * `IdentityMemory`.
 */
export class Sigchain {
  readonly #events: Uint8Array[]
  readonly #now: () => number
  #state: IdentityState

  private constructor(events: readonly Uint8Array[], state: IdentityState, now: () => number) {
    this.#events = [...events]
    this.#state = state
    this.#now = now
  }

  /** A new identity. @throws KEY_ROTATION_BAD_ARGUMENT, and what `apply` throws */
  static incept(
    { control, next, recovery = null, signers, salt = randomBytes(SALT_BYTES) }: InceptionOptions,
    options: SigchainOptions = {}
  ): Sigchain {
    const now = clockOf(options)
    const change: Change = {
      kind: 'inception',
      salt,
      control: keySet(control),
      next: committed(next),
      recovery
    }
    const event = sealed(null, change, signers, now())
    return new Sigchain([event], apply(null, event), now)
  }

  /** A chain that is there. @throws what `verify` throws */
  static open(
    chain: Uint8Array | readonly Uint8Array[],
    trust: VerifyOptions,
    options: SigchainOptions = {}
  ): Sigchain {
    const { state } = verify(chain, trust)
    return new Sigchain(eventsOf(chain), state, clockOf(options))
  }

  get state(): IdentityState {
    return this.#state
  }

  /** In order, from the inception. */
  get events(): readonly Uint8Array[] {
    return [...this.#events]
  }

  toBytes(): Uint8Array {
    return encodeChain(this.#events)
  }

  /** Adds an event that was made elsewhere, by `sealProposal` or on another device. @throws what `apply` throws */
  append(event: Uint8Array): void {
    this.#state = apply(this.#state, event)
    this.#events.push(b4a.from(event))
  }

  /**
   * The committed keys take over.
   *
   * @param control - those keys, in the order of the commitment
   * @param next - the ones after them
   * @param recovery - in place of the policy so far; then its quorum signs, too
   * @throws KEY_ROTATION_NOT_COMMITTED, KEY_ROTATION_KEY_REUSED, KEY_ROTATION_NOT_ENOUGH_SIGNATURES and others
   */
  rotate(
    { control, next, recovery = null }: { control: NewKeys; next: NewKeys; recovery?: RecoveryPolicy | null },
    signers: readonly KeyPair[]
  ): Uint8Array {
    return this.#add({ kind: 'rotate', control: keySet(control), next: committed(next), recovery }, signers)
  }

  /** Lets a device in, on the terms it has signed. @throws KEY_ROTATION_BAD_POSSESSION, KEY_ROTATION_NO_RIGHT and others */
  addDevice(request: JoinRequest, signers: readonly KeyPair[]): Uint8Array {
    return this.#add({ ...request, kind: 'addDevice' }, signers)
  }

  /**
   * @param device - its key
   * @param cutOffs - where its cores end: for each that `rollCore` gave it, and any other of its cores
   * @throws KEY_ROTATION_BAD_CUT_OFF, KEY_ROTATION_NO_RIGHT and others
   */
  revokeDevice(
    device: Uint8Array,
    { reason, cutOffs = [] }: { reason: RevocationReason; cutOffs?: readonly CutOff[] },
    signers: readonly KeyPair[]
  ): Uint8Array {
    return this.#add({ kind: 'revokeDevice', device, reason, cutOffs }, signers)
  }

  /**
   * Begins a recovery: the quorum signs, and the keys that are to count.
   *
   * @param revealed - the pre-rotated keys, if they sign, too: then nobody can object, and nobody waits
   * @throws KEY_ROTATION_NO_RECOVERY, KEY_ROTATION_NOT_ENOUGH_SIGNATURES and others
   */
  announceRecovery(
    { control, next, revealed = null }: { control: NewKeys; next: NewKeys; revealed?: NewKeys | null },
    signers: readonly KeyPair[]
  ): Uint8Array {
    const change = { control: keySet(control), next: committed(next), revealed: revealed && keySet(revealed) }
    return this.#add({ ...change, kind: 'announceRecovery' }, signers)
  }

  /** The present keys object to the recovery that waits. @throws KEY_ROTATION_RECOVERY_FINAL, KEY_ROTATION_NO_RECOVERY and others */
  vetoRecovery(signers: readonly KeyPair[]): Uint8Array {
    return this.#add({ kind: 'vetoRecovery', announcement: this.#announcement() }, signers)
  }

  /** The announced keys take over. @throws KEY_ROTATION_RECOVERY_TOO_EARLY, KEY_ROTATION_NO_RECOVERY and others */
  recover(signers: readonly KeyPair[]): Uint8Array {
    return this.#add({ kind: 'recover', announcement: this.#announcement() }, signers)
  }

  /**
   * Gives names their first cores, or hands them on to new ones; all or none, such as a drive's two.
   *
   * @param device - key of the device that writes them; `null` when no single one does
   * @throws KEY_ROTATION_CORE_MISMATCH, KEY_ROTATION_CORE_REUSED, KEY_ROTATION_BAD_CUT_OFF and others
   */
  rollCore(
    { device = null, rolls }: { device?: Uint8Array | null; rolls: readonly CoreRoll[] },
    signers: readonly KeyPair[]
  ): Uint8Array {
    return this.#add({ kind: 'rollCore', device, rolls }, signers)
  }

  #announcement(): Uint8Array {
    // An event that names no recovery is refused by all who read it, here first.
    return this.#state.pending?.announcement ?? new Uint8Array(32)
  }

  #add(change: Change, signers: readonly KeyPair[]): Uint8Array {
    const event = sealed(this.#state, change, signers, Math.max(this.#now(), this.#state.time))
    this.append(event)
    return event
  }
}

function sealed(
  state: IdentityState | null,
  change: Change,
  signers: readonly KeyPair[],
  time: number
): Uint8Array {
  const proposal = propose(state, change, time)
  if (!Array.isArray(signers)) throw badArgument('the signers must be an array of key pairs')
  return sealProposal(
    proposal,
    signers.flatMap((signer) => signProposal(proposal, signer))
  )
}

function keySet({ keys, threshold = keys.length }: NewKeys): {
  keys: readonly Uint8Array[]
  threshold: number
} {
  return { keys, threshold }
}

function committed({ keys, threshold = keys.length }: NewKeys): { keys: Uint8Array[]; threshold: number } {
  return { keys: keys.map(commitTo), threshold }
}

function clockOf(options: SigchainOptions): () => number {
  checkOptions(options, ['now'])
  return options.now ?? Date.now
}
