import b4a from 'b4a'
import c from 'compact-encoding'
import { badArgument, checkCount, checkOptions, isBytes } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { isUtf8 } from './utf8.ts'

interface State {
  start: number
  end: number
  buffer: Uint8Array | null
}

/** As compact-encoding has them. Bytes that `decode` gives are views of what was read. */
export interface Codec<T> {
  preencode(state: State, value: T): void
  encode(state: State, value: T): void
  decode(state: State): T
}

const BYTE_ORDER_MARK = '\uFEFF'
/** Above it JavaScript counts no more exactly. */
const MAX_UINT: number = Number.MAX_SAFE_INTEGER

export const byte: Codec<number> = {
  preencode: (state, value) => {
    // compact-encoding would write 257 as 1.
    if (!Number.isInteger(value) || value < 0 || value > 255)
      throw badArgument('a number is not from 0 to 255')
    c.uint8.preencode(state, value)
  },
  encode: (state, value) => c.uint8.encode(state, value),
  decode: (state) => c.uint8.decode(state)
}
/** Little-endian. */
export const uint32: Codec<number> = c.uint32
export const fixed16: Codec<Uint8Array> = fixed(16)
export const fixed32: Codec<Uint8Array> = fixed(32)
export const fixed64: Codec<Uint8Array> = fixed(64)

/** compact-encoding's `uint`, up to 2⁵³ − 1. */
export const uint: Codec<number> = {
  preencode: (state, value) => {
    checkCount(value, 'a number')
    c.uint.preencode(state, value)
  },
  encode: (state, value) => c.uint.encode(state, value),
  decode: (state) => {
    const value = c.uint.decode(state)
    if (!Number.isInteger(value) || value < 0 || value > MAX_UINT) throw malformed('a number is too large')
    return value
  }
}

/** The fields of an object, one after the other in the order they are named here. There are no others: a field that is misspelt would be left out without a word. */
export function record<T extends object>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const entries = Object.entries(fields) as [keyof T, Codec<T[keyof T]>][]
  const names = Object.keys(fields)
  return {
    preencode: (state, value) => {
      checkOptions(value, names)
      for (const [name, codec] of entries) codec.preencode(state, value[name])
    },
    encode: (state, value) => {
      for (const [name, codec] of entries) codec.encode(state, value[name])
    },
    decode: (state) => {
      const value: Partial<T> = {}
      for (const [name, codec] of entries) value[name] = codec.decode(state)
      return value as T
    }
  }
}

/** So many bytes, as they are. */
function fixed(length: number): Codec<Uint8Array> {
  const codec = c.fixed(length)
  return {
    preencode: (state, value) => {
      // compact-encoding would write another length without a word.
      if (!isBytes(value, length)) throw badArgument(`here ${length} bytes are needed`)
      state.end += length
    },
    encode: (state, value) => codec.encode(state, value),
    decode: (state) => codec.decode(state)
  }
}

/** A byte that counts, and the items. */
export function list<T>(item: Codec<T>, most: number): Codec<readonly T[]> {
  return {
    preencode: (state, items) => {
      if (!Array.isArray(items)) throw badArgument('a list must be an array')
      if (items.length > most) throw badArgument(`a list has ${items.length} items, and ${most} at most`)
      state.end++
      for (const value of items) item.preencode(state, value)
    },
    encode: (state, items) => {
      byte.encode(state, items.length)
      for (const value of items) item.encode(state, value)
    },
    decode: (state) => {
      const count = byte.decode(state)
      if (count > most) throw malformed(`a list has ${count} items, and ${most} at most`)
      return Array.from({ length: count }, () => item.decode(state))
    }
  }
}

/** `00`, or `01` and the value. */
export function optional<T>(item: Codec<T>): Codec<T | null> {
  return {
    preencode: (state, value) => {
      state.end++
      if (value !== null) item.preencode(state, value)
    },
    encode: (state, value) => {
      byte.encode(state, value === null ? 0 : 1)
      if (value !== null) item.encode(state, value)
    },
    decode: (state) => {
      const flag = byte.decode(state)
      if (flag > 1) throw malformed('a flag is neither 0 nor 1')
      return flag === 0 ? null : item.decode(state)
    }
  }
}

/** One of these names, as its number from 1. */
export function oneOf<T extends string>(names: readonly T[]): Codec<T> {
  return {
    preencode: (state, value) => {
      if (!names.includes(value)) throw badArgument(`it is none of ${names.join(', ')}`)
      state.end++
    },
    encode: (state, value) => byte.encode(state, names.indexOf(value) + 1),
    decode: (state) => {
      const name = names[byte.decode(state) - 1]
      if (name === undefined) throw malformed('a number stands for nothing')
      return name
    }
  }
}

/** `uint` length, and so many bytes. */
export const frame: Codec<Uint8Array> = {
  preencode: (state, value) => {
    uint.preencode(state, value.length)
    state.end += value.length
  },
  encode: (state, value) => {
    uint.encode(state, value.length)
    state.buffer?.set(value, state.start)
    state.start += value.length
  },
  decode: (state) => {
    const length = uint.decode(state)
    if (length > state.end - state.start) throw malformed('it ends within a part')
    state.start += length
    return b4a.from((state.buffer as Uint8Array).subarray(state.start - length, state.start))
  }
}

/** A byte that counts, and UTF-8, which is checked here: decoders differ in what they make of anything else, and of a byte order mark at the start. */
export function text(mostBytes: number): Codec<string> {
  return {
    preencode: (state, value) => {
      if (typeof value !== 'string') throw badArgument('a name must be a string')
      if (value.startsWith(BYTE_ORDER_MARK) || b4a.toString(b4a.from(value)) !== value)
        throw badArgument('a name has half a surrogate pair, or begins with a byte order mark')
      const length = b4a.byteLength(value)
      if (length > mostBytes) throw badArgument(`a name has ${length} bytes, and ${mostBytes} at most`)
      state.end += 1 + length
    },
    encode: (state, value) => {
      const bytes = b4a.from(value)
      byte.encode(state, bytes.length)
      state.buffer?.set(bytes, state.start)
      state.start += bytes.length
    },
    decode: (state) => {
      const length = byte.decode(state)
      const end = state.start + length
      if (length > mostBytes || end > state.end) throw malformed('a text is too long')
      const bytes = (state.buffer as Uint8Array).subarray(state.start, end)
      if (!isUtf8(bytes)) throw malformed('a text is no UTF-8')
      const value = b4a.toString(bytes)
      // Where a decoder has left the mark out, it is missed in the bytes.
      if (value.startsWith(BYTE_ORDER_MARK) || b4a.byteLength(value) !== length)
        throw malformed('a text begins with a byte order mark')
      state.start = end
      return value
    }
  }
}

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return c.encode(codec, value)
}

/** Reads from the start, and tells where it ended. @throws KEY_ROTATION_MALFORMED for whatever does not fit */
export function decodeFrom<T>(codec: Codec<T>, bytes: Uint8Array, start: number): { value: T; end: number } {
  const state: State = { start, end: bytes.length, buffer: bytes }
  try {
    const value = codec.decode(state)
    return { value, end: state.start }
  } catch (cause) {
    if (cause instanceof KeyRotationError) throw cause
    throw new KeyRotationError('KEY_ROTATION_MALFORMED', 'it was cut off, or never was what it should be', {
      cause
    })
  }
}

export function malformed(message: string): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_MALFORMED', message)
}
