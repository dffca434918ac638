import b4a from 'b4a'
import codecs from 'codecs'
import { MultiBeeError } from './errors.ts'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './log/limits.ts'
import { toCanonicalJson } from './merge/canonical-json.ts'
import type { Value } from './merge/transaction.ts'
import type { EncodingOptions, KeyEncoding, KeyRange, ValueEncoding } from './types.ts'
import type { ByteRange } from './view/view-store.ts'

const EMPTY = b4a.alloc(0)
const NULL = b4a.from('null')
const SURROGATE = /[\uD800-\uDFFF]/

/** How the keys and values of one (sub-)database become bytes and back. Immutable. */
export class Keyspace {
  readonly prefix: Uint8Array
  readonly keyEncoding: KeyEncoding
  readonly valueEncoding: ValueEncoding

  constructor(keyEncoding: KeyEncoding, valueEncoding: ValueEncoding, prefix: Uint8Array = EMPTY) {
    this.keyEncoding = keyEncoding
    this.valueEncoding = valueEncoding
    this.prefix = prefix
    checkEncoding(keyEncoding)
    checkEncoding(valueEncoding)
  }

  /** The same place with other encodings, for one call. */
  with(options: EncodingOptions = {}): Keyspace {
    if (typeof options !== 'object' || options === null)
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'options are an object')
    const { keyEncoding = this.keyEncoding, valueEncoding = this.valueEncoding } = options
    if (keyEncoding === this.keyEncoding && valueEncoding === this.valueEncoding) return this
    return new Keyspace(keyEncoding, valueEncoding, this.prefix)
  }

  /** A place inside this one. */
  sub(prefix: string | Uint8Array, separator: string | Uint8Array, encodings: EncodingOptions): Keyspace {
    const { keyEncoding = this.keyEncoding, valueEncoding = this.valueEncoding } = encodings
    return new Keyspace(
      keyEncoding,
      valueEncoding,
      b4a.concat([this.prefix, toBytes(prefix), toBytes(separator)])
    )
  }

  /** @throws MultiBeeError `MULTI_BEE_BAD_KEY`, `MULTI_BEE_TOO_LARGE` */
  encodeKey(key: unknown): Uint8Array {
    const encoded = this.#encodeBareKey(key)
    const bytes = this.prefix.byteLength === 0 ? encoded : b4a.concat([this.prefix, encoded])
    if (bytes.byteLength > MAX_KEY_BYTES) {
      throw new MultiBeeError(
        'MULTI_BEE_TOO_LARGE',
        `a key has at most ${MAX_KEY_BYTES} bytes, this one has ${bytes.byteLength}`
      )
    }
    return bytes
  }

  decodeKey(bytes: Uint8Array): unknown {
    const own = bytes.subarray(this.prefix.byteLength)
    if (this.keyEncoding === 'utf-8') return b4a.toString(own)
    try {
      return codecs(this.keyEncoding as never).decode(copyOf(own))
    } catch (cause) {
      throw new MultiBeeError('MULTI_BEE_DECODE_FAILED', 'a key does not decode with this key encoding', {
        cause
      })
    }
  }

  /** @throws MultiBeeError `MULTI_BEE_BAD_VALUE`, `MULTI_BEE_TOO_LARGE` */
  encodeValue(value: unknown): Value {
    const encoded = this.valueEncoding === 'json' ? document(value) : this.#opaque(value)
    const { byteLength } = encoded.bytes
    if (byteLength > MAX_VALUE_BYTES) {
      throw new MultiBeeError(
        'MULTI_BEE_TOO_LARGE',
        `a value has at most ${MAX_VALUE_BYTES} bytes, this one has ${byteLength}`
      )
    }
    return encoded
  }

  /** @throws MultiBeeError `MULTI_BEE_DECODE_FAILED` */
  decodeValue(value: Value): unknown {
    if (isNull(value)) return null
    const { bytes } = value
    try {
      if (this.valueEncoding === 'json') return JSON.parse(b4a.toString(bytes)) as unknown
      return codecs(this.valueEncoding as never).decode(copyOf(bytes))
    } catch (cause) {
      throw new MultiBeeError('MULTI_BEE_DECODE_FAILED', 'a value does not decode with this value encoding', {
        cause
      })
    }
  }

  /** Bounds as bytes, inside this place. */
  encodeRange({ gt, gte, lt, lte }: KeyRange<unknown>): ByteRange {
    const range: ByteRange = {}
    if (gt !== undefined) range.gt = this.encodeKey(gt)
    else if (gte !== undefined) range.gte = this.encodeKey(gte)
    else if (this.prefix.byteLength > 0) range.gte = this.prefix
    if (lt !== undefined) range.lt = this.encodeKey(lt)
    else if (lte !== undefined) range.lte = this.encodeKey(lte)
    else {
      const end = after(this.prefix)
      if (end !== null) range.lt = end
    }
    return range
  }

  holds(key: Uint8Array): boolean {
    return b4a.equals(key.subarray(0, this.prefix.byteLength), this.prefix)
  }

  #encodeBareKey(key: unknown): Uint8Array {
    if (this.keyEncoding === 'utf-8') {
      if (typeof key !== 'string')
        throw new MultiBeeError('MULTI_BEE_BAD_KEY', `a utf-8 key is a string, not ${typeof key}`)
      const bytes = b4a.from(key)
      if (SURROGATE.test(key) && b4a.toString(bytes) !== key) {
        throw new MultiBeeError(
          'MULTI_BEE_BAD_KEY',
          'a utf-8 key has no unpaired surrogates: two keys would become one'
        )
      }
      return bytes
    }
    if (this.keyEncoding === 'binary' && typeof key === 'string') return b4a.from(key)
    if (this.keyEncoding === 'binary' && !(key instanceof Uint8Array)) {
      throw new MultiBeeError('MULTI_BEE_BAD_KEY', `a binary key is a Uint8Array, not ${typeof key}`)
    }
    try {
      return copyOf(codecs(this.keyEncoding as never).encode(key as never))
    } catch (cause) {
      throw new MultiBeeError('MULTI_BEE_BAD_KEY', 'the key encoding does not take this key', { cause })
    }
  }

  #opaque(value: unknown): Value {
    // As in Hyperbee, null is no value at all under every encoding.
    if (value === null || value === undefined) return document(null)
    if (this.valueEncoding === 'binary' && typeof value !== 'string' && !(value instanceof Uint8Array)) {
      throw new MultiBeeError('MULTI_BEE_BAD_VALUE', `a binary value is a Uint8Array, not ${typeof value}`)
    }
    try {
      return { document: false, bytes: copyOf(codecs(this.valueEncoding as never).encode(value as never)) }
    } catch (cause) {
      throw new MultiBeeError('MULTI_BEE_BAD_VALUE', 'the value encoding does not take this value', { cause })
    }
  }
}

/** A JSON value as the merge takes it. @throws MultiBeeError `MULTI_BEE_BAD_VALUE` */
export function document(value: unknown): Value {
  const text = toCanonicalJson(value)
  if (text === null)
    throw new MultiBeeError(
      'MULTI_BEE_BAD_VALUE',
      'a json value has no cycles, bigints or more than 128 levels'
    )
  return { document: true, bytes: b4a.from(text) }
}

/** Whether a value is the document `null`, which stands for an entry without a value. */
export function isNull({ document, bytes }: Value): boolean {
  return document && bytes.byteLength === NULL.byteLength && b4a.equals(bytes, NULL)
}

/** The least bytes above everything with this prefix; `null` when nothing is. */
function after(prefix: Uint8Array): Uint8Array | null {
  for (let length = prefix.byteLength; length > 0; length--) {
    const last = prefix[length - 1] ?? 0
    if (last === 0xff) continue
    const end = copyOf(prefix.subarray(0, length))
    end[length - 1] = last + 1
    return end
  }
  return null
}

function toBytes(prefix: string | Uint8Array): Uint8Array {
  if (typeof prefix === 'string') return b4a.from(prefix)
  if (prefix instanceof Uint8Array) return prefix
  throw new MultiBeeError(
    'MULTI_BEE_BAD_ARGUMENT',
    `a prefix or separator is a string or a Uint8Array, not ${typeof prefix}`
  )
}

/** The caller keeps its bytes; what is written must not change with them. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return b4a.from(bytes)
}

const NAMED = new Set(['utf-8', 'binary', 'ascii', 'json'])

function checkEncoding(encoding: unknown): void {
  const isCodec =
    typeof encoding === 'object' && encoding !== null && 'encode' in encoding && 'decode' in encoding
  if (isCodec || (typeof encoding === 'string' && NAMED.has(encoding))) return
  throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', `unknown encoding ${String(encoding)}`)
}
