import { bech32m } from '@scure/base'
import { SecretShareError } from '../errors.ts'
import { KIND, unwrap } from './wire.ts'

/**
 * What a text begins with, up to the `1`. bech32m is BIP-350; its limit of 90 characters is lifted here, since the
 * envelope has a checksum of its own.
 */
const PREFIX = { share: 'cpshare', sealed: 'cpsealed' } as const

/** What people put between the letters, word processors and chats: spaces, hyphens, dashes, and marks that show as nothing or set a direction. */
const LAYOUT = /[\s\u00AD\u061C\u200B-\u200F\u2010-\u2015\u202A-\u202E\u2060\u2066-\u2069\u2212\uFEFF-]+/g

/** A sealed share has some 600 letters; there may be as much layout, and more. */
const TEXT_LENGTH = 5_000

export type TextKind = keyof typeof PREFIX

/** Bytes of an envelope as text, in lower case. Upper case means the same, and makes smaller QR codes. */
export function encodeText(kind: TextKind, bytes: Uint8Array): string {
  unwrap(KIND[kind], bytes)
  return bech32m.encode(PREFIX[kind], bech32m.toWords(bytes), false)
}

/**
 * Reads such a text as people paste it: white space, line breaks, hyphens and invisible marks do not count.
 *
 * @throws SECRET_SHARE_NOT_A_SHARE for what is none at all, SECRET_SHARE_BAD_TEXT for one with a mistake in it
 */
export function decodeText(kind: TextKind, text: string): Uint8Array {
  const compact = typeof text === 'string' && text.length <= TEXT_LENGTH ? text.replaceAll(LAYOUT, '') : ''
  const prefix = `${PREFIX[kind]}1`
  if (!compact.toLowerCase().startsWith(prefix)) throw notThis(kind, compact.toLowerCase())
  const decoded = bech32m.decodeUnsafe(compact, false)
  const bytes = decoded?.prefix === PREFIX[kind] ? bech32m.fromWordsUnsafe(decoded.words) : undefined
  if (bytes) return bytes
  throw new SecretShareError(
    'SECRET_SHARE_BAD_TEXT',
    'There is a mistake in this text: a letter is wrong or missing. Compare it, or scan it again.'
  )
}

function notThis(kind: TextKind, text: string): SecretShareError {
  const other = kind === 'share' ? 'sealed' : 'share'
  const words = text.startsWith(`${PREFIX[other]}1`)
    ? kind === 'share'
      ? 'This share is sealed to its holder, who must open it first.'
      : 'This is a share that is not sealed.'
    : 'This is not a share: it begins differently. It may be the QR code of something else.'
  return new SecretShareError('SECRET_SHARE_NOT_A_SHARE', words)
}
