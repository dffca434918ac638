import { createPrivateKey, sign } from 'node:crypto'
import crypto, { type KeyPair } from 'hypercore-crypto'

/** The start of PKCS #8 of an Ed25519 seed (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function keyPair(n: number): KeyPair {
  return crypto.keyPair(seedOf(n))
}

export function seedOf(n: number): Buffer {
  const seed = Buffer.alloc(32)
  seed.writeUInt32LE(n)
  return seed
}

export function uint(value: number, bytes: 1 | 2 | 4 | 8): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(value))
  return buffer.subarray(0, bytes)
}

/** A record by PROTOCOL.md and OpenSSL, with nothing of src in it. */
export function record(
  kind: 'heartbeat' | 'replica-set' | 'device',
  body: Uint8Array,
  seed: Buffer,
  version = 1
): Buffer {
  const said = Buffer.concat([
    Buffer.from({ heartbeat: 'H', 'replica-set': 'R', device: 'D' }[kind]),
    uint(version, 1),
    body
  ])
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const message = Buffer.concat([Buffer.from(`cloudpal/relay/${kind}/1\0`), said])
  return Buffer.concat([said, sign(null, message, key)])
}
