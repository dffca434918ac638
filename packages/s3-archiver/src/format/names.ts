import b4a from 'b4a'
import sodium from 'sodium-universal'
import crypto from 'hypercore-crypto'
import { S3ArchiverError } from '../errors.ts'
import type { ObjectKind } from '../store/object-store.ts'
import type { Reader, Writer } from './wire.ts'

const BLIND_ID = b4a.from('cloudpal/s3-archiver/core/1')
const SEAL_KEY = b4a.from('cloudpal/s3-archiver/seal/1')
const WRITER_ID = b4a.from('cloudpal/s3-archiver/writer/1')

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

/** By which an archiver knows its commits again; 16 bytes. @param secret - 32 bytes that stay with it */
export function writerIdOf(secret: Uint8Array): Uint8Array {
  return keyed(16, secret, WRITER_ID)
}

/** Where the kinds of objects lie. */
const FOLDERS: Record<Exclude<ObjectKind, 'commit'>, string> = { shard: 's', index: 'x', page: 'p' }

/** Bytes of its hash that name an object. */
const NAME_HASH_BYTES = 16

/** Name of an object that is named for its bytes: to put it twice is to put it once. */
export function contentName(kind: Exclude<ObjectKind, 'commit'>, bytes: Uint8Array): string {
  return nameIn(FOLDERS[kind], crypto.hash(bytes).subarray(0, NAME_HASH_BYTES))
}

/** Whether bytes are those that an object is named for. */
export function isNamedFor(name: string, bytes: Uint8Array): boolean {
  return name.endsWith(b4a.toString(crypto.hash(bytes).subarray(0, NAME_HASH_BYTES), 'hex'))
}

export const COMMITS = 'l/'
const NEWEST = 2n ** 64n - 1n

/** Name of a commit: the newest one comes first in a list. */
export function commitName(seq: number): string {
  return COMMITS + (NEWEST - BigInt(seq)).toString(16).padStart(16, '0')
}

/** Of an object that says that a commit is no moment to be restored: it was pruned, and is there only for what later ones need of it; or is a claim. */
export const GIVEN_UP = 'g/'

/** What such an object holds when the commit is a claim, whose place is never free again; else it is empty. */
export const KEPT_PLACE: Uint8Array = b4a.from([1])

export function givenUpName(commit: string): string {
  return GIVEN_UP + commit.slice(COMMITS.length)
}

/** @returns `null` for what is no commit's name */
export function commitSeq(name: string): number | null {
  if (!/^l\/[0-9a-f]{16}$/.test(name)) return null
  const seq = NEWEST - BigInt(`0x${name.slice(COMMITS.length)}`)
  return seq <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seq) : null
}

const LETTERS = ['s', 'x', 'p'] as const
const COMMIT_KIND = LETTERS.length

/** Writes the name of an object: a byte for what it is, and 16 of its hash or 8 of a commit's number. */
export function writeName(writer: Writer, name: string): void {
  const seq = commitSeq(name)
  if (seq !== null) {
    writer.byte(COMMIT_KIND)
    writer.uint64(seq)
    return
  }
  writer.byte(LETTERS.findIndex((letter) => name.startsWith(letter)))
  writer.bytes(b4a.from(name.slice(-2 * NAME_HASH_BYTES), 'hex'))
}

/** @throws S3ArchiverError `S3_ARCHIVER_DAMAGED` */
export function readName(reader: Reader): string {
  const kind = reader.byte()
  if (kind === COMMIT_KIND) return commitName(reader.uint64())
  const letter = LETTERS[kind]
  if (letter === undefined) throw reader.damaged('a name')
  return nameIn(letter, reader.bytes(NAME_HASH_BYTES))
}

function nameIn(folder: string, hash: Uint8Array): string {
  const hex = b4a.toString(hash, 'hex')
  return `${folder}/${hex.slice(0, 2)}/${hex}`
}

/** @throws S3ArchiverError `S3_ARCHIVER_BAD_ARGUMENT` */
function keyed(length: number, key: Uint8Array, message: Uint8Array): Uint8Array {
  if (!(key instanceof Uint8Array && key.byteLength === 32))
    throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'the key of a core has 32 bytes')
  const output = b4a.alloc(length)
  sodium.crypto_generichash(output, message, key)
  return output
}
