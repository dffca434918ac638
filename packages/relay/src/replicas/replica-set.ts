import b4a from 'b4a'
import c from 'compact-encoding'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import { KEY_BYTES, nameOf } from '../keys.ts'
import { isPublicKey } from '../protocol/public-key.ts'
import { checkKey, checkWhole } from '../arguments.ts'
import { bodyOf, checkSignature, decodeCount, malformed, sealRecord, type State } from './signed-record.ts'

/** One always-on peer of an owner, and where it can be reached. */
export interface Replica {
  /** 32 bytes: Ed25519, its identity towards devices. */
  readonly key: Uint8Array
  /** As in `wss://relay.example/`, the best first: printable ASCII without spaces, up to 255 characters each, at most 8. */
  readonly addresses: readonly string[]
}

/** As long as a set may be to be carried by replicas: a frame has 1,024 bytes, 17 of which are type and tag. */
export const MAX_CARRIED_BYTES = 1_000
const MAX_REPLICAS = 64
const MAX_ADDRESSES = 8
const MAX_SET_BYTES = 2 + 32 + 8 + 1 + MAX_REPLICAS * (33 + MAX_ADDRESSES * 256) + 64
const ADDRESS = /^[!-~]{1,255}$/

/**
 * The owner's word on which peers are theirs. Devices go nowhere else, whoever tells them to, and by no other addresses.
 * There is none whose signature was not made or checked here.
 */
export class ReplicaSet {
  /** 32 bytes: who signed it. */
  readonly owner: Uint8Array
  /** Of two sets the one with the higher seq counts. */
  readonly seq: number
  /** In the order of their keys. */
  readonly replicas: readonly Replica[]
  /** What is stored and sent. */
  readonly bytes: Uint8Array

  private constructor(owner: Uint8Array, seq: number, replicas: readonly Replica[], bytes: Uint8Array) {
    this.owner = owner
    this.seq = seq
    this.replicas = replicas
    this.bytes = bytes
  }

  /**
   * Makes one, of any order.
   *
   * @param owner - Ed25519, 32 and 64 bytes
   * @throws RelayError `RELAY_BAD_ARGUMENT` also when a key is there twice, or is no Ed25519 public key
   */
  static sign(replicas: readonly Replica[], seq: number, owner: KeyPair): ReplicaSet {
    checkWhole(seq, 'a seq')
    const ordered = replicas.map(copyReplica).sort((a, b) => b4a.compare(a.key, b.key))
    const twice = ordered.some(({ key }, i) => i > 0 && b4a.equals(key, (ordered[i - 1] as Replica).key))
    if (twice || ordered.length === 0 || ordered.length > MAX_REPLICAS) {
      throw new RelayError('RELAY_BAD_ARGUMENT', `a set has 1 to ${MAX_REPLICAS} replicas, each once`)
    }
    const head = [owner.publicKey, c.encode(c.uint64, seq), Uint8Array.of(ordered.length)]
    const body = b4a.concat([...head, ...ordered.map(encodeReplica)])
    return new ReplicaSet(b4a.from(owner.publicKey), seq, ordered, sealRecord('replica-set', body, owner))
  }

  /**
   * Reads one.
   *
   * @param owner - whose it must be
   * @throws RelayError `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`, `RELAY_BAD_SIGNATURE` also when it is of another owner
   */
  static open(bytes: Uint8Array, owner: Uint8Array): ReplicaSet {
    checkKey(owner, 'the owner')
    const body = bodyOf('replica-set', bytes, MAX_SET_BYTES)
    if (!b4a.equals(body.subarray(0, 32), owner)) {
      throw new RelayError('RELAY_BAD_SIGNATURE', 'a replica-set is of another owner')
    }
    checkSignature('replica-set', bytes, owner)
    const state = { start: 32, end: body.length, buffer: b4a.from(body) }
    const { seq, replicas } = decodeBody(state)
    return new ReplicaSet(b4a.from(owner), seq, replicas, b4a.from(bytes))
  }

  /**
   * Its seq, before the signature is checked.
   *
   * @throws RelayError `RELAY_MALFORMED`, `RELAY_NEWER_FORMAT`
   */
  static peek(bytes: Uint8Array): number {
    const body = bodyOf('replica-set', bytes, MAX_SET_BYTES)
    if (body.length < KEY_BYTES + 8) throw malformed('replica-set', 'its length')
    return decodeCount('replica-set', { start: KEY_BYTES, end: body.length, buffer: b4a.from(body) })
  }

  /** The replica of a key, or null. */
  find(key: Uint8Array): Replica | null {
    return this.replicas.find((replica) => b4a.equals(replica.key, key)) ?? null
  }
}

function decodeBody(state: State): { seq: number; replicas: Replica[] } {
  if (state.end - state.start < 9) throw malformed('replica-set', 'its length')
  const seq = decodeCount('replica-set', state)
  const count = c.uint8.decode(state)
  if (count === 0 || count > MAX_REPLICAS) throw malformed('replica-set', 'its count')
  const replicas: Replica[] = []
  for (let left = count; left > 0; left--) {
    const replica = decodeReplica(state)
    const before = replicas.at(-1)
    if (before && b4a.compare(before.key, replica.key) >= 0) throw malformed('replica-set', 'its order')
    replicas.push(replica)
  }
  if (state.start !== state.end) throw malformed('replica-set', 'what follows')
  return { seq, replicas }
}

function decodeReplica(state: State): Replica {
  const key = b4a.from(take(state, 32))
  const count = take(state, 1)[0] as number
  if (count > MAX_ADDRESSES) throw malformed('replica-set', 'how many addresses there are')
  const addresses: string[] = []
  for (let left = count; left > 0; left--) {
    const address = b4a.toString(take(state, take(state, 1)[0] as number), 'latin1')
    if (!ADDRESS.test(address)) throw malformed('replica-set', 'an address')
    addresses.push(address)
  }
  return { key, addresses }
}

function take(state: State, length: number): Uint8Array {
  if (state.end - state.start < length) throw malformed('replica-set', 'its end')
  state.start += length
  return state.buffer.subarray(state.start - length, state.start)
}

function encodeReplica({ key, addresses }: Replica): Uint8Array {
  const parts = addresses.flatMap((address) => [Uint8Array.of(address.length), b4a.from(address)])
  return b4a.concat([key, Uint8Array.of(addresses.length), ...parts])
}

function copyReplica({ key, addresses }: Replica): Replica {
  checkKey(key, 'a replica')
  if (!isPublicKey(key)) throw new RelayError('RELAY_BAD_ARGUMENT', `${nameOf(key)} is no Ed25519 public key`)
  if (addresses.length <= MAX_ADDRESSES && addresses.every((address) => ADDRESS.test(address))) {
    return { key: b4a.from(key), addresses: [...addresses] }
  }
  const help = `a replica has up to ${MAX_ADDRESSES} addresses of 1 to 255 printable ASCII characters`
  throw new RelayError('RELAY_BAD_ARGUMENT', help)
}
