import b4a from 'b4a'
import codecs from 'codecs'
import type { ValueCodec, ValueEncoding } from '../types.ts'

/** In place of a value: the key is hidden in all sources after this one. */
export const TOMBSTONE: unique symbol = Symbol('tombstone')

/** Never the first byte of UTF-8 (RFC 3629, section 1), and so of no `json` or `utf-8` value. */
const MARK = 0xff

/**
 * Values with room for a tombstone, which no user's value can be: FORMAT.md. A tombstone is the one byte FF; a value that begins with FF is
 * stored with one more before it; any other value is stored as it is. So a bee of `json` or `utf-8` values is a layer without being
 * rewritten, and a layer without tombstones is an ordinary bee.
 */
export function tombstoneEncoding(encoding: ValueEncoding = 'json'): ValueCodec {
  const values = codecs(encoding as never) as {
    encode(value: unknown): Uint8Array
    decode(bytes: Uint8Array): unknown
  }
  const codec = {
    encode(value: unknown): Uint8Array {
      if (value === TOMBSTONE) return b4a.from([MARK])
      const bytes = values.encode(value)
      return bytes[0] === MARK ? b4a.concat([b4a.from([MARK]), bytes]) : bytes
    },
    decode(bytes: Uint8Array): unknown {
      if (bytes[0] !== MARK) return values.decode(bytes)
      return bytes.length === 1 ? TOMBSTONE : values.decode(bytes.subarray(1))
    }
  }
  return codec
}
