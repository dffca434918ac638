import { wordlist } from '@scure/bip39/wordlists/english.js'
import { hash } from '../crypto/crypto.ts'

const WORD_BITS = 11
const WORDS = 3

/** What one person reads to the other: the same 33 bits as numbers and as words. */
export interface ShortCode {
  /** Ten digits in groups: `0123 456 789`. */
  readonly numbers: string
  /** Three words of BIP-39's English list, which differ in their first four letters: `zebra able music`. */
  readonly words: string
}

/** Who reads it out. */
export type Speaker = 'owner' | 'friend'

/**
 * One of the two codes of a meeting, 33 bits each: a short authentication string (RFC 6189, section 4.5.2; Vaudenay, "Secure communications over
 * insecure channels based on short authenticated strings", CRYPTO 2005). PROTOCOL.md says what they are worth.
 *
 * @param transcript `transcriptOf` the meeting's messages
 */
export function shortCode(speaker: Speaker, transcript: Uint8Array): ShortCode {
  const digest = hash(`short code of ${speaker}`, [transcript])
  const bits = digest.subarray(0, 5).reduce((value, byte) => value * 256 + byte, 0)
  const value = Math.floor(bits / 2 ** (40 - WORDS * WORD_BITS))
  const digits = String(value).padStart(10, '0')
  const words = Array.from({ length: WORDS }, (_, i) => {
    return wordlist[Math.floor(value / 2 ** (WORD_BITS * (WORDS - 1 - i))) % 2 ** WORD_BITS]
  })
  return {
    numbers: `${digits.slice(0, 4)} ${digits.slice(4, 7)} ${digits.slice(7)}`,
    words: words.join(' ')
  }
}

/** Whether what a person typed is this code, in numbers or in words; case, spaces, hyphens and the keyboard's kind of digits do not count. */
export function isCode(code: ShortCode, typed: string): boolean {
  const given = plain(typed)
  return given === plain(code.numbers) || given === plain(code.words)
}

/** Whether nothing was typed. */
export function isNothing(typed: string): boolean {
  return plain(typed) === ''
}

function plain(text: unknown): string {
  if (typeof text !== 'string') return ''
  return text
    .slice(0, 200)
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\u0660-\u0669\u06F0-\u06F9]/g, (digit) => String(digit.charCodeAt(0) % 16))
    .replaceAll(/[\s,.-]+/g, '')
}
