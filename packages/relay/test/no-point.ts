import crypto from 'hypercore-crypto'
import type { Replica } from '../src/index.ts'
import { Handshake } from '../src/protocol/handshake.ts'
import { record, uint } from './replicas/records.ts'

/** 32 bytes that are no Ed25519 public key. */
export function noPoint(): Uint8Array {
  for (let i = 2; ; i++) {
    const key = Buffer.alloc(32, i)
    try {
      new Handshake('device to relay', crypto.keyPair(), key).send(new Uint8Array(0))
    } catch {
      return key
    }
  }
}

/** A set as an owner may have signed it before anybody looked at the keys; the owner is `crypto.keyPair(seed)`. */
export function uncheckedSet(replicas: readonly Replica[], seq: number, seed: Buffer): Uint8Array {
  const ordered = [...replicas].sort((a, b) => Buffer.compare(a.key, b.key))
  const parts = ordered.flatMap(({ key, addresses }) => [
    key,
    uint(addresses.length, 1),
    ...addresses.flatMap((address) => [uint(address.length, 1), Buffer.from(address)])
  ])
  const head = [crypto.keyPair(seed).publicKey, uint(seq, 8), uint(ordered.length, 1)]
  return record('replica-set', Buffer.concat([...head, ...parts]), seed)
}
