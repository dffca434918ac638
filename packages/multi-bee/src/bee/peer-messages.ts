import b4a from 'b4a'
import { isSuccession, type Successor } from '../log/succession.ts'
import { WireReader, WireWriter } from '../log/wire.ts'
import { MAX_MEMBERS } from '../membership/membership.ts'

/** A device's copy of a log. */
export interface Head {
  key: Uint8Array
  /** In blocks, without a gap. */
  length: number
  treeHash: Uint8Array
}

/** Version of the messages. */
const VERSION = 1

export function encodeSuccessors(successors: readonly Successor[]): Uint8Array {
  return encodeList(successors, (writer, { writer: key, succession: { previous, publicKey, signature } }) => {
    for (const bytes of [key, previous, publicKey, signature]) writer.bytes(bytes)
  })
}

/** @returns those whose signatures hold; none for a message of another version or format */
export function decodeSuccessors(message: Uint8Array): Successor[] {
  const successors = decodeList(message, (reader): Successor => {
    const [writer, previous, publicKey] = [copy(reader, 32), copy(reader, 32), copy(reader, 32)]
    return { writer, succession: { type: 'succeed', previous, publicKey, signature: copy(reader, 64) } }
  })
  return successors.filter(({ writer, succession }) => isSuccession(succession, writer))
}

export function encodeHeads(heads: readonly Head[]): Uint8Array {
  return encodeList(heads, (writer, { key, length, treeHash }) => {
    writer.bytes(key)
    writer.uint(length)
    writer.bytes(treeHash)
  })
}

/** @returns none for a message of another version or format */
export function decodeHeads(message: Uint8Array): Head[] {
  return decodeList(message, (reader) => ({
    key: copy(reader, 32),
    length: reader.uint(),
    treeHash: copy(reader, 32)
  }))
}

function encodeList<T>(items: readonly T[], write: (writer: WireWriter, item: T) => void): Uint8Array {
  const writer = new WireWriter()
  writer.byte(VERSION)
  writer.uint(items.length)
  for (const item of items) write(writer, item)
  return writer.finish()
}

function decodeList<T>(message: Uint8Array, read: (reader: WireReader) => T): T[] {
  try {
    const reader = new WireReader(message)
    if (reader.byte() !== VERSION) return []
    const count = reader.uint()
    if (count > MAX_MEMBERS) return []
    const items = Array.from({ length: count }, () => read(reader))
    return reader.isAtEnd ? items : []
  } catch {
    return []
  }
}

/** What is kept outlives the message. */
function copy(reader: WireReader, length: number): Uint8Array {
  return b4a.from(reader.bytes(length))
}
