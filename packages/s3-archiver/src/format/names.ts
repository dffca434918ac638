import b4a from 'b4a'
import sodium from 'sodium-universal'
import crypto from 'hypercore-crypto'
import { checkObjectName, type ObjectKind } from '../store/object-store.ts'

const BLIND_ID = b4a.from('cloudpal/s3-archiver/core/1')
const SEAL_KEY = b4a.from('cloudpal/s3-archiver/seal/1')

/** Bytes of the id that stands for a core in an archive. */
export const BLIND_ID_BYTES = 16

/**
 * What stands for a core in an archive: 16 bytes that only who knows the core's key can tell. Not its discovery key, which is known to
 * everybody who looks for the core in a network.
 */
export function blindIdOf(coreKey: Uint8Array): Uint8Array {
  return keyed(BLIND_ID_BYTES, coreKey, BLIND_ID)
}

/** Key of what an archive says of a core; 32 bytes. */
export function sealKeyOf(coreKey: Uint8Array): Uint8Array {
  return keyed(32, coreKey, SEAL_KEY)
}

/** Where the kinds of objects lie. */
const FOLDERS: Record<Exclude<ObjectKind, 'commit'>, string> = { shard: 's', index: 'x', page: 'p' }

/** Name of an object that is named for its bytes: to put it twice is to put it once. */
export function contentName(kind: Exclude<ObjectKind, 'commit'>, bytes: Uint8Array): string {
  const hash = b4a.toString(crypto.hash(bytes), 'hex').slice(0, 32)
  return `${FOLDERS[kind]}/${hash.slice(0, 2)}/${hash}`
}

export const COMMITS = 'l/'
const NEWEST = 2n ** 64n - 1n

/** Name of a commit: the newest one comes first in a list. */
export function commitName(seq: number): string {
  return COMMITS + (NEWEST - BigInt(seq)).toString(16).padStart(16, '0')
}

/** @returns `null` for what is no commit's name */
export function commitSeq(name: string): number | null {
  if (!/^l\/[0-9a-f]{16}$/.test(name)) return null
  const seq = NEWEST - BigInt(`0x${name.slice(COMMITS.length)}`)
  return seq <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seq) : null
}

/** Whether an object may have this name. */
export function isObjectName(name: string): boolean {
  try {
    checkObjectName(name)
    return true
  } catch {
    return false
  }
}

function keyed(length: number, key: Uint8Array, message: Uint8Array): Uint8Array {
  const output = b4a.alloc(length)
  sodium.crypto_generichash(output, message, key)
  return output
}
