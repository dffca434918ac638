import fc from 'fast-check'
import {
  apply,
  type Change,
  type CoreRoll,
  type CutOff,
  type IdentityState,
  type KeyPair,
  type KeySet,
  propose,
  type RecoveryPolicy,
  requestToJoin,
  resolve,
  type Role,
  sealProposal,
  signProposal
} from '../src/index.ts'
import { commitTo, sign } from '../src/crypto/crypto.ts'
import { mayBeByAdmin, SIGNER_CLASSES } from '../src/format/event.ts'
import { bytesOf, codeOf, DAY, keyPair, START } from './people.ts'

/** Numbers that choose what happens next; what they mean depends on where the chain is. */
export interface Step {
  readonly kind: number
  readonly a: number
  readonly b: number
  readonly c: number
  /** 0 to 99: above 60 something is not as it should be. */
  readonly mischief: number
}

export const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.nat(10),
  a: fc.nat(1000),
  b: fc.nat(1000),
  c: fc.nat(1000),
  mischief: fc.nat(99)
})

/** Only such as have to do with devices and cores, of which some are not as they should be. */
export const coreStep: fc.Arbitrary<Step> = fc
  .record({ given: step, kind: fc.constantFrom(3, 3, 7, 7, 8, 8, 9), luck: fc.nat(9) })
  .map(({ given, kind, luck }) => ({ ...given, kind, mischief: luck === 0 ? given.mischief : 0 }))

const calm: Step = { kind: 9, a: 1, b: 1, c: 1, mischief: 0 }
/** Three writers, two admins; and names that go from hand to hand, by admins and by the identity's keys. */
export const takeovers: fc.Arbitrary<Step[]> = fc
  .array(
    fc
      .record({ given: step, kind: fc.constantFrom(3, 7, 7, 7, 7, 8, 8, 8, 9), luck: fc.nat(9) })
      .map(({ given, kind, luck }) => ({
        ...given,
        kind,
        // One name or two, nearly always of a device; none of them expires, and not much time passes.
        a: 6 + 15 * given.a,
        b: given.b % 9 === 0 ? given.b : given.b + Number(given.b % 3 === 0),
        c: 3 * given.c + 1,
        mischief: luck === 0 ? given.mischief : 0
      })),
    { minLength: 20, maxLength: 40 }
  )
  .map((steps) => [calm, ...[1, 1, 1, 2, 2].map((a) => ({ ...calm, a })), ...steps])

/** The same, without mischief. */
export const goodStep: fc.Arbitrary<Step> = step.map((given) => ({ ...given, mischief: 0 }))

const ROLES: readonly Role[] = ['reader', 'writer', 'admin', 'admin']
const REASONS = ['lost', 'retired', 'compromised'] as const

/** Makes events for an identity whose keys are all here, right ones and wrong ones. */
export class RandomWorld {
  state: IdentityState | null = null
  readonly events: Uint8Array[] = []
  /** Names of the keys that are committed to, and those of the announced recovery. */
  #next: string[] = []
  #pendingNext: string[] = []
  readonly #pairs = new Map<string, KeyPair>()
  #count = 0
  #time = START

  /** The next event; it may well be refused. */
  propose(step: Step): { event: Uint8Array; accepted: () => void } {
    const { change, after } = this.#change(step)
    if (step.mischief >= 98) this.#time -= DAY
    else this.#time += step.c % 3 === 0 ? 4 * DAY : step.c
    const state = step.mischief === 97 ? this.#elsewhere() : this.state
    const admin = this.#admin(change, step)
    const proposal = propose(state, change, Math.max(0, this.#time), admin)
    const writer = change.kind === 'rollCore' ? change.device : null
    let signatures = this.#signatures(proposal, admin && [admin, writer ?? admin], step)
    if (step.mischief >= 90 && step.mischief < 94) signatures = signatures.slice(1)
    if (step.mischief === 94 && signatures[0])
      signatures = [{ ...signatures[0], index: signatures[0].index + 1 }]
    if (step.mischief === 95) signatures = signatures.map((one) => ({ ...one, signature: bytesOf(1, 64) }))
    if (step.mischief === 96)
      signatures = signatures.map((one) => ({ ...one, signer: SIGNER_CLASSES[step.b % 5] ?? 'control' }))
    const event = sealProposal(proposal, signatures)
    return {
      event,
      accepted: () => {
        this.state = apply(this.state, event)
        this.events.push(event)
        after()
      }
    }
  }

  /** Right steps only: those that are refused are left out. @returns how many were taken */
  live(steps: readonly Step[]): number {
    for (const step of steps) {
      const { event, accepted } = this.propose(step)
      if (codeOf(() => apply(this.state, event)) === null) accepted()
    }
    return this.events.length
  }

  #key(used = false, pick = 0): KeyPair {
    const known = [...this.#pairs.values()]
    if (used && known.length > 0) return known[pick % known.length] as KeyPair
    const pair = keyPair(`key ${this.#count++}`)
    this.#pairs.set(Buffer.from(pair.publicKey).toString('hex'), pair)
    return pair
  }

  #keys({ a, b, mischief }: Step): KeySet {
    const keys = Array.from(
      { length: 1 + (a % 3) },
      () => this.#key(mischief >= 62 && mischief < 66, b).publicKey
    )
    if (mischief === 66) keys.push(keys[0] as Uint8Array)
    const threshold = mischief === 67 ? 0 : mischief === 68 ? keys.length + 1 : 1 + (b % keys.length)
    return { keys, threshold }
  }

  #policy(step: Step): RecoveryPolicy | null {
    return step.c % 4 === 0
      ? null
      : { quorum: this.#keys({ ...step, a: step.b }), delayMs: (step.c % 5) * DAY }
  }

  #commitment(step: Step): { set: KeySet; names: string[] } {
    const { keys, threshold } = this.#keys(step)
    return {
      set: { keys: keys.map(commitTo), threshold },
      names: keys.map((key) => Buffer.from(key).toString('hex'))
    }
  }

  /** The keys that were committed to. */
  #revealed({ mischief, b }: Step): KeySet {
    const keys = this.#next.map((name) => (this.#pairs.get(name) as KeyPair).publicKey)
    if (mischief === 69) keys.reverse()
    if (mischief === 70) keys.pop()
    if (mischief === 71) keys[0] = this.#key(true, b).publicKey
    return { keys, threshold: this.state?.next.threshold ?? 1 }
  }

  #end({ a, b, mischief }: Step, core: Uint8Array): CutOff {
    const name = Buffer.from(core).toString('hex')
    const known = this.state?.cutOffs.get(name)
    const isPutRight = this.state?.adminEnds.has(name) && b % 2 === 0
    if (known && !isPutRight && mischief !== 72 && mischief !== 89) return known
    return { core, fork: a % 2, length: b, treeHash: bytesOf(a % 7) }
  }

  #change(step: Step): { change: Change; after: () => void } {
    const { state } = this
    const { kind, a, b, mischief } = step
    const nothing = (): void => {}
    if (state === null || mischief === 73) {
      const { set, names } = this.#commitment(step)
      const change = {
        kind: 'inception',
        salt: bytesOf(a % 256, 16),
        control: this.#keys(step),
        next: set
      } as const
      return { change: { ...change, recovery: this.#policy(step) }, after: () => void (this.#next = names) }
    }
    const device = state.devices[b % Math.max(1, state.devices.length)]
    if (kind === 0) {
      const { set, names } = this.#commitment(step)
      const recovery = a % 3 === 0 ? this.#policy(step) : null
      const change = { kind: 'rotate', control: this.#revealed(step), next: set, recovery } as const
      return { change, after: () => void (this.#next = names) }
    }
    if (kind === 4) {
      const { set, names } = this.#commitment(step)
      const revealed = b % 3 === 0 ? this.#revealed(step) : null
      const change = { kind: 'announceRecovery', control: this.#keys(step), next: set, revealed } as const
      return { change, after: () => void (this.#pendingNext = names) }
    }
    if (kind === 5 || kind === 6) {
      const announcement = (mischief === 74 ? null : state.pending?.announcement) ?? bytesOf(a % 256)
      if (kind === 5) return { change: { kind: 'vetoRecovery', announcement }, after: nothing }
      return { change: { kind: 'recover', announcement }, after: () => void (this.#next = this.#pendingNext) }
    }
    if (kind === 3 && device) {
      const own = [...state.cores.values()]
        .flat()
        .filter((link) => link.device?.toString() === device.key.toString())
      const cutOffs = own.map(({ core }) => this.#end(step, core))
      const others = [...state.adminEnds]
        .map((name) => Buffer.from(name, 'hex'))
        .filter((core) => !own.some((link) => core.equals(link.core)))
      if (a % 4 !== 0) cutOffs.push(...others.map((core) => this.#end(step, core)))
      if (mischief >= 75 && mischief <= 80) cutOffs.pop()
      if (mischief >= 81 && mischief <= 88) cutOffs.push(this.#end(step, this.#someCore(step)))
      else if (a % 4 === 0) cutOffs.push(this.#end(step, bytesOf(200 + (a % 50))))
      const change = {
        kind: 'revokeDevice',
        device: device.key,
        reason: REASONS[a % 3] ?? 'lost',
        cutOffs
      } as const
      return { change, after: nothing }
    }
    if (kind >= 7 && kind <= 8) {
      const count = 1 + (a % 2)
      const rolls = Array.from({ length: count }, (_, i) => this.#roll({ ...step, a: a + i }))
      return {
        change: { kind: 'rollCore', device: b % 3 === 0 ? null : (device?.key ?? null), rolls },
        after: nothing
      }
    }
    const pair = this.#key(mischief === 77, b)
    const terms = {
      name: `device ${a}`,
      role: ROLES[a % 4] ?? 'writer',
      expires: a % 5 === 0 ? this.#time + b * DAY : null
    }
    const request = requestToJoin(state.identity, pair, terms)
    const possession = mischief === 78 ? sign('signature', request.possession, pair) : request.possession
    return { change: { ...request, possession, kind: 'addDevice' }, after: nothing }
  }

  #someCore({ a, c }: Step): Uint8Array {
    const links = [...(this.state?.cores.values() ?? [])].flat()
    return links[c % Math.max(1, links.length)]?.core ?? bytesOf(a % 256)
  }

  #roll(step: Step): CoreRoll {
    const name = ['notes', 'photos', 'photos/blobs'][step.a % 3] ?? ''
    const line = this.state?.cores.get(name) ?? []
    // Now and then from an earlier one.
    const before = line.at((step.b + step.c) % 3 === 0 ? -2 : -1) ?? line.at(-1)
    const core = step.mischief === 79 ? this.#someCore(step) : this.#key().publicKey
    const previous = before
      ? this.#end(step, step.mischief === 80 ? this.#someCore(step) : before.core)
      : null
    return { name: step.mischief === 81 ? '' : name, core, previous: step.mischief === 82 ? null : previous }
  }

  /** Some device that acts as admin, of whatever role. */
  #admin({ kind }: Change, { a, c }: Step): Uint8Array | null {
    const { devices = [] } = this.state ?? {}
    if (!mayBeByAdmin(kind) || c % 2 !== 0 || devices.length === 0) return null
    const admins = devices.filter(({ role }) => role === 'admin')
    const some = a % 5 === 0 || admins.length === 0 ? devices : admins
    return some[a % some.length]?.key ?? null
  }

  /** By all who may, or by an admin and whose core it is; now and then by too many devices. */
  #signatures(
    { signers, ...proposal }: ReturnType<typeof propose>,
    devices: readonly Uint8Array[] | null,
    { mischief }: Step
  ): ReturnType<typeof signProposal> {
    const keys = SIGNER_CLASSES.flatMap((signer) => [...signers[signer]])
    const chosen = devices === null || mischief === 61 ? keys : devices
    return chosen.flatMap((key) => {
      const pair = this.#pairs.get(Buffer.from(key).toString('hex'))
      return pair ? signProposal({ ...proposal, signers }, pair) : []
    })
  }

  #elsewhere(): IdentityState | null {
    return this.state && { ...this.state, hash: bytesOf(9) }
  }
}

/** As the reference has it. */
export function view(state: IdentityState): object {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const keys = ({ threshold, keys }: KeySet): object => ({ threshold, keys: keys.map(hex) })
  const end = ({ core, fork, length, treeHash }: CutOff): string =>
    JSON.stringify({ core: hex(core), fork, length, treeHash: hex(treeHash) })
  const roles = ['reader', 'writer', 'admin']
  const { recovery, pending } = state
  return {
    identity: hex(state.identity),
    seq: state.seq,
    hash: hex(state.hash),
    time: state.time,
    control: keys(state.control),
    next: keys(state.next),
    recovery: recovery && { ...keys(recovery.quorum), delay: recovery.delayMs },
    pending: pending && { announcement: hex(pending.announcement), due: pending.due, final: pending.final },
    devices: state.devices.map(({ key, role, expires, name, revoked }) => ({
      key: hex(key),
      role: roles.indexOf(role) + 1,
      expiry: expires ?? 0,
      name,
      revoked: revoked?.seq ?? null,
      reason: revoked === null ? 0 : REASONS.indexOf(revoked.reason) + 1
    })),
    cores: [...state.cores.keys()]
      .flatMap((name) =>
        (resolve(state, name)?.lineage ?? []).map(
          ({ core, device, previous }) =>
            `${name} ${hex(core)} ${device && hex(device)} ${previous && end(previous)}`
        )
      )
      .sort(),
    ends: [...state.cutOffs.values()].map(end).sort()
  }
}
