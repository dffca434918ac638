import b4a from 'b4a'
import type { CutOff, KeySet, RecoveryPolicy, RevocationReason, Role } from '../types.ts'

/** A device, from the event that added it to for ever. */
export interface Device {
  /** Its place among the devices ever added, from 0. */
  readonly index: number
  /** Its Ed25519 key, 32 bytes: of its Noise connections, and of what it signs. */
  readonly key: Uint8Array
  readonly role: Role
  /** In ms since 1970; `null` for never. */
  readonly expires: number | null
  readonly name: string
  /** Of the event that added it, and which device acted as admin: its place, or `null` for the identity's own keys. */
  readonly added: { readonly seq: number; readonly time: number; readonly by: number | null }
  readonly revoked: Revocation | null
}

export interface Revocation {
  /** Of the first event that revoked it. */
  readonly seq: number
  readonly time: number
  /** Place of the device that acted as admin; `null`: the identity's own keys. */
  readonly by: number | null
  readonly reason: RevocationReason
  /** Of that event, and of later ones. Which end counts, `cutOffs` of the state says. */
  readonly cutOffs: readonly CutOff[]
}

/** One of the cores that a name stands for: the newest, or one that it goes on from. */
export interface CoreLink {
  readonly core: Uint8Array
  /** Key of the device that writes it; `null` for one that no single device writes. */
  readonly device: Uint8Array | null
  /** Where the core before ends; `null` for a name's first. */
  readonly previous: CutOff | null
  /** Of the event, and which device acted as admin: its place, or `null` for the identity's own keys. */
  readonly seq: number
  readonly by: number | null
}

/** Where a core was named. */
export interface CorePlace {
  readonly name: string
  /** Among the name's cores, from 0. Another one may stand there by now. */
  readonly index: number
}

/** A recovery that waits for its time. */
export interface PendingRecovery {
  /** Hash of the event that announced it. */
  readonly announcement: Uint8Array
  readonly control: KeySet
  readonly next: KeySet
  /** When it was announced, as its signers say, in ms since 1970. */
  readonly announced: number
  /** From when on it may be completed, in ms since 1970. */
  readonly due: number
  /** The pre-rotated keys signed, too: nobody can object. */
  readonly final: boolean
}

/** What a chain says in the end. A value: nothing of it changes. Keys in maps and sets are in hex. */
export interface IdentityState {
  /** Hash of the inception, 32 bytes. */
  readonly identity: Uint8Array
  /** Number of the last event, from 0. */
  readonly seq: number
  /** Of the last event. */
  readonly hash: Uint8Array
  /** That the last event states, in ms since 1970. Who can sign events can also state a wrong time, though none before the last event's. */
  readonly time: number
  readonly control: KeySet
  /** Hashes of the keys that come next. */
  readonly next: KeySet
  readonly recovery: RecoveryPolicy | null
  readonly pending: PendingRecovery | null
  /** In the order they were added. */
  readonly devices: readonly Device[]
  /** Place of a device, by its key. */
  readonly deviceIndex: ReadonlyMap<string, number>
  /** A name's cores, oldest first. Each ends where the next one goes on. */
  readonly cores: ReadonlyMap<string, readonly CoreLink[]>
  /** All cores that were ever named, by their keys. */
  readonly places: ReadonlyMap<string, CorePlace>
  /** Where a core ends, by its key. */
  readonly cutOffs: ReadonlyMap<string, CutOff>
  /** Cores whose end an admin has given: the identity's own keys may still say otherwise, and what was named after it is dropped then. */
  readonly adminEnds: ReadonlySet<string>
  /** Hashes of all keys that were ever named, as commitments have them: none may come again in another place. */
  readonly named: ReadonlySet<string>
}

/** A state that is being changed; it shares nothing that changes. */
export interface Draft extends IdentityState {
  identity: Uint8Array
  seq: number
  hash: Uint8Array
  time: number
  control: KeySet
  next: KeySet
  recovery: RecoveryPolicy | null
  pending: PendingRecovery | null
  devices: Device[]
  deviceIndex: Map<string, number>
  cores: Map<string, readonly CoreLink[]>
  places: Map<string, CorePlace>
  cutOffs: Map<string, CutOff>
  adminEnds: Set<string>
  named: Set<string>
}

/** Costs as much as there are devices, cores and keys. */
export function draftOf(state: IdentityState): Draft {
  return {
    ...state,
    devices: [...state.devices],
    deviceIndex: new Map(state.deviceIndex),
    cores: new Map(state.cores),
    places: new Map(state.places),
    cutOffs: new Map(state.cutOffs),
    adminEnds: new Set(state.adminEnds),
    named: new Set(state.named)
  }
}

export function hex(bytes: Uint8Array): string {
  return b4a.toString(bytes, 'hex')
}

/** The device with a key; `null` for a stranger's. */
export function deviceOf(state: IdentityState, key: Uint8Array): Device | null {
  return state.devices[state.deviceIndex.get(hex(key)) ?? -1] ?? null
}

/** A name's core, by its key; `null` for one that no name has. */
export function linkOf(state: IdentityState, core: Uint8Array): CoreLink | null {
  const { name, index } = state.places.get(hex(core)) ?? {}
  const link = name === undefined ? undefined : state.cores.get(name)?.[index ?? -1]
  return link !== undefined && b4a.equals(link.core, core) ? link : null
}

/**
 * Whether nothing of a core counts for the time being: the device that writes it was revoked, and no event says where it ends.
 *
 * @param core - its key
 */
export function isHeld(state: IdentityState, core: Uint8Array): boolean {
  const { device = null } = linkOf(state, core) ?? {}
  if (device === null || state.cutOffs.has(hex(core))) return false
  return deviceOf(state, device)?.revoked != null
}
