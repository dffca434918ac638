import b4a from 'b4a'
import { badArgument, checkedClock, checkKey, checkKeyPair, checkOptions } from '../arguments.ts'
import { commitTo, randomBytes } from '../crypto/crypto.ts'
import { encodeChain } from '../format/chain.ts'
import { type Change, decodeEvent, mayBeByAdmin } from '../format/event.ts'
import { advance, apply } from '../state/apply.ts'
import { deviceOf, draftOf, type IdentityState } from '../state/state.ts'
import type { CoreRoll, CutOff, KeyPair, KeySet, RecoveryPolicy, RevocationReason } from '../types.ts'
import { checkClock, eventsOf, verify, type VerifyOptions } from '../verify.ts'
import type { JoinRequest } from './possession.ts'
import { propose, sealProposal, signProposal } from './proposal.ts'

const SALT_BYTES = 16
const JOIN_FIELDS: readonly (keyof JoinRequest)[] = ['key', 'role', 'expires', 'name', 'possession']
const CUT_OFF_FIELDS: readonly (keyof CutOff)[] = ['core', 'fork', 'length', 'treeHash']

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
  static incept(given: InceptionOptions, options: SigchainOptions = {}): Sigchain {
    checkOptions(given, ['control', 'next', 'recovery', 'signers', 'salt'])
    const { control, next, recovery = null, signers, salt = randomBytes(SALT_BYTES) } = given
    const now = clockOf(options)
    checkPolicyFields(recovery)
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

  /** A chain that is there. Events of a time more than a day ahead of the clock are refused. @throws what `verify` throws */
  static open(
    chain: Uint8Array | readonly Uint8Array[],
    trust: VerifyOptions,
    options: SigchainOptions = {}
  ): Sigchain {
    const now = clockOf(options)
    checkOptions(trust, ['trusted', 'witnesses', 'now'])
    const events = eventsOf(chain)
    const { state } = verify(events, { ...trust, now: trust.now ?? now() })
    return new Sigchain(events, state, now)
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

  /**
   * Adds an event that was made elsewhere, by `sealProposal` or on another device.
   *
   * @throws what `apply` throws, and KEY_ROTATION_BAD_TIME for one of a time more than a day ahead
   */
  append(event: Uint8Array): void {
    const decoded = decodeEvent(event)
    checkClock(decoded, this.#now())
    this.#state = advance(draftOf(this.#state), decoded)
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
    given: { control: NewKeys; next: NewKeys; recovery?: RecoveryPolicy | null },
    signers: readonly KeyPair[]
  ): Uint8Array {
    checkOptions(given, ['control', 'next', 'recovery'])
    const { control, next, recovery = null } = given
    checkPolicyFields(recovery)
    return this.#add({ kind: 'rotate', control: keySet(control), next: committed(next), recovery }, signers)
  }

  /** Lets a device in, on the terms it has signed. Signed by the identity's keys, or by one admin. @throws KEY_ROTATION_BAD_POSSESSION, KEY_ROTATION_NO_RIGHT and others */
  addDevice(request: JoinRequest, signers: readonly KeyPair[]): Uint8Array {
    checkOptions(request, JOIN_FIELDS)
    return this.#add({ ...request, kind: 'addDevice' }, signers)
  }

  /**
   * Signed by the identity's keys, or by one admin. May be called again for the same device to end more of its cores; and by the identity's keys to put
   * ends right that an admin gave, of whoever's cores. Cores that admins had named after a wrong end are then the name's no more, and count nothing: it goes on from the right
   * end, as any. `rollCore` alone, signed by the identity's keys, with the right end as `previous`, does both.
   *
   * An admin may give itself up, and its key can still freeze the identity from before that: where it may be stolen, the identity's keys revoke it.
   *
   * @param device - its key
   * @param cutOffs - where its cores end, up to 48: of those that `rollCore` gave it; the identity's keys end cores that nobody has named, too. A core of its that has no end
   *   does not count at all till it has one
   * @throws KEY_ROTATION_BAD_CUT_OFF, KEY_ROTATION_NO_RIGHT and others
   */
  revokeDevice(
    device: Uint8Array,
    options: { reason: RevocationReason; cutOffs?: readonly CutOff[] },
    signers: readonly KeyPair[]
  ): Uint8Array {
    checkOptions(options, ['reason', 'cutOffs'])
    const { reason, cutOffs = [] } = options
    if (!Array.isArray(cutOffs)) throw badArgument('the cut-offs must be an array')
    for (const cutOff of cutOffs) checkOptions(cutOff, CUT_OFF_FIELDS)
    return this.#add({ kind: 'revokeDevice', device, reason, cutOffs }, signers)
  }

  /**
   * Begins a recovery: the quorum signs, and the keys that are to count.
   *
   * @param revealed - the pre-rotated keys, if they sign, too: then nobody can object, and nobody waits
   * @throws KEY_ROTATION_NO_RECOVERY, KEY_ROTATION_NOT_ENOUGH_SIGNATURES and others
   */
  announceRecovery(
    given: { control: NewKeys; next: NewKeys; revealed?: NewKeys | null },
    signers: readonly KeyPair[]
  ): Uint8Array {
    checkOptions(given, ['control', 'next', 'revealed'])
    const { control, next, revealed = null } = given
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
   * Signed by the identity's keys; or by one admin, and by the device that is to write them, if that is another one. The identity's keys take a name back from whoever admins
   * have handed it on to: `previous` is then any core of it after which only admins have named cores, with the end that counts.
   *
   * @param device - key of the device that writes them; `null` when no single one does
   * @throws KEY_ROTATION_CORE_MISMATCH, KEY_ROTATION_CORE_REUSED, KEY_ROTATION_BAD_CUT_OFF and others
   */
  rollCore(
    options: { device?: Uint8Array | null; rolls: readonly CoreRoll[] },
    signers: readonly KeyPair[]
  ): Uint8Array {
    checkOptions(options, ['device', 'rolls'])
    const { device = null, rolls } = options
    if (device !== null) checkKey(device, 'the key of a device')
    if (!Array.isArray(rolls)) throw badArgument('the rolls must be an array')
    for (const roll of rolls) {
      checkOptions(roll, ['name', 'core', 'previous'])
      if (roll.previous !== null) checkOptions(roll.previous, CUT_OFF_FIELDS)
    }
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
  if (!Array.isArray(signers)) throw badArgument('the signers must be an array of key pairs')
  for (const signer of signers) checkKeyPair(signer)
  const admin = state !== null && mayBeByAdmin(change.kind) ? adminOf(state, change, signers) : null
  const proposal = propose(state, change, time, admin)
  return sealProposal(
    proposal,
    signers.flatMap((signer) => signProposal(proposal, signer))
  )
}

/**
 * The identity's keys act where there are any among the signers, and else the first device that is an admin: of two the one that is not to write the core, which signs for
 * itself. Where there is none, any that signs: why it may not, `apply` says.
 */
function adminOf(state: IdentityState, change: Change, signers: readonly KeyPair[]): Uint8Array | null {
  const keys = signers.map(({ publicKey }) => publicKey)
  if (keys.some((key) => state.control.keys.some((one) => b4a.equals(one, key)))) return null
  const devices = keys.map((key) => deviceOf(state, key)).filter((device) => device !== null)
  const admins = devices.filter(({ role, revoked }) => role === 'admin' && revoked === null)
  const writer = change.kind === 'rollCore' ? change.device : null
  const other = admins.find(({ key }) => writer === null || !b4a.equals(key, writer))
  return (other ?? admins[0] ?? devices[0])?.key ?? null
}

function keySet(given: NewKeys): KeySet {
  checkOptions(given, ['keys', 'threshold'])
  const { keys, threshold = keys?.length } = given
  if (!Array.isArray(keys)) throw badArgument('keys must be an array')
  for (const key of keys) checkKey(key, 'a key')
  return { keys, threshold }
}

function committed(given: NewKeys): KeySet {
  const { keys, threshold } = keySet(given)
  return { keys: keys.map(commitTo), threshold }
}

function checkPolicyFields(policy: RecoveryPolicy | null): void {
  if (policy === null) return
  checkOptions(policy, ['quorum', 'delayMs'])
  checkOptions(policy.quorum, ['keys', 'threshold'])
}

function clockOf(options: SigchainOptions): () => number {
  checkOptions(options, ['now'])
  return checkedClock(options.now)
}
