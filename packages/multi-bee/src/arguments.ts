import b4a from 'b4a'
import z32 from 'z32'
import { MultiBeeError } from './errors.ts'
import { MAX_NAME_BYTES } from './log/limits.ts'
import type { MultiBeeOptions } from './options.ts'
import type { StoreLike } from './types.ts'

/** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` for options that cannot be meant */
export function checkOptions<O extends Omit<MultiBeeOptions, 'key'> & { key?: MultiBeeOptions['key'] }>(
  options: O
): O {
  const { key, encryptionKey, ownerKey, name = '', clock, directory } = requireOptions(options)
  if (key !== undefined) requireKey(key)
  if (encryptionKey !== undefined && encryptionKey !== null) requireKey(encryptionKey)
  if (ownerKey !== undefined) requireKey(ownerKey)
  checkName(name)
  if (clock !== undefined && typeof clock !== 'function')
    throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', '`clock` is a function that returns ms')
  if (directory !== undefined && typeof directory !== 'string')
    throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', '`directory` is a path')
  return options
}

/** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` for anything but an object */
export function requireOptions<O extends object>(options: O): O {
  if (typeof options === 'object' && options !== null) return options
  throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'options are an object')
}

/** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` for what cannot be a Corestore */
export function checkStore(store: StoreLike): StoreLike {
  if (typeof store?.get === 'function' && typeof store.ready === 'function') return store
  throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'a MultiBee lives in a Corestore')
}

/** @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` */
export function checkName(name: string): void {
  if (typeof name === 'string' && b4a.byteLength(name) <= MAX_NAME_BYTES) return
  throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', `a name is a string of at most ${MAX_NAME_BYTES} bytes`)
}

export function parseKey(key: Uint8Array | string | undefined): Uint8Array | null {
  return key === undefined ? null : requireKey(key)
}

/** 32 bytes, from bytes, hex or z-base-32. @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT` */
export function requireKey(key: unknown): Uint8Array {
  let bytes: Uint8Array | null = null
  if (key instanceof Uint8Array) bytes = key
  else if (typeof key === 'string' && /^[0-9a-f]{64}$/i.test(key)) bytes = b4a.from(key, 'hex')
  else if (typeof key === 'string' && /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/.test(key))
    bytes = z32.decode(key)
  if (bytes?.byteLength === 32) return bytes
  throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'a key is 32 bytes, given as bytes, hex or z-base-32')
}
