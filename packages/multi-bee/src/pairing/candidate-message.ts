import { MAX_NAME_BYTES } from '../log/limits.ts'
import { WireReader, WireWriter } from '../log/wire.ts'
import b4a from 'b4a'

const VERSION = 1

/** What a joining device says of itself. */
export interface CandidateMessage {
  /** 32-byte key of its op log. */
  writer: Uint8Array
  name: string
}

/** Bytes: version, writer key, length and UTF-8 of the name (FORMAT.md, "Pairing"). */
export function encodeCandidate({ writer, name }: CandidateMessage): Uint8Array {
  const wire = new WireWriter()
  wire.byte(VERSION)
  wire.bytes(writer)
  wire.sized(b4a.from(name))
  return wire.finish()
}

/** @returns `null` for anything else */
export function decodeCandidate(bytes: Uint8Array): CandidateMessage | null {
  try {
    const wire = new WireReader(bytes)
    if (wire.byte() !== VERSION) return null
    const message = { writer: wire.bytes(32), name: wire.text(MAX_NAME_BYTES) }
    return wire.isAtEnd ? message : null
  } catch {
    return null
  }
}
