import { utf8 } from '@scure/base'

/** `null` for what is no text, or half a surrogate. */
export function toUtf8(text: unknown): Uint8Array | null {
  try {
    return utf8.decode(text as string)
  } catch {
    return null
  }
}

/** `null` for what is not UTF-8 as one would write it. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    const text = utf8.encode(bytes)
    // A decoder may swallow a byte order mark.
    return utf8.decode(text).length === bytes.length ? text : null
  } catch {
    return null
  }
}
