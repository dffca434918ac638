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
  /** Of the event that added it. */
  readonly added: { readonly seq: number; readonly time: number }
  readonly revoked: Revocation | null
}

export interface Revocation {
  readonly seq: number
  readonly time: number
  readonly reason: RevocationReason
  readonly cutOffs: readonly CutOff[]
}

/** One of the cores that a name has stood for. */
export interface CoreLink {
  readonly core: Uint8Array
  /** Key of the device that writes it; `null` for one that no single device writes. */
  readonly device: Uint8Array | null
  /** Where the core before ends; `null` for a name's first. */
  readonly previous: CutOff | null
  /** Of the event. */
  readonly seq: number
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
  /** A name's cores, oldest first. */
  readonly cores: ReadonlyMap<string, readonly CoreLink[]>
  /** Where a core ends for good, by its key. */
  readonly cutOffs: ReadonlyMap<string, CutOff>
  /** Every key, and every core's, that was ever named: none may come again in another place. */
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
  cutOffs: Map<string, CutOff>
  named: Set<string>
}

/** Costs as much as there are devices, cores and keys. */
export function draftOf(state: IdentityState): Draft {
  return {
    ...state,
    devices: [...state.devices],
    deviceIndex: new Map(state.deviceIndex),
    cores: new Map(state.cores),
    cutOffs: new Map(state.cutOffs),
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

/** A name's present core, with the way to it; `null` for a name that has none. */
export function coresOf(state: IdentityState, name: string): readonly CoreLink[] | null {
  return state.cores.get(name) ?? null
}
