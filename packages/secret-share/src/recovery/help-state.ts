import { concat } from '../bytes.ts'
import { damaged, KIND, uint, unwrap, WireReader, wrap } from '../format/wire.ts'
import { isUntouched, readTries, writeTries, type Tries } from './typed-code.ts'

const SEED_BYTES = 32

/** A friend's side of a meeting at one moment; messages are whole envelopes, and empty where there is none yet. Secret until the help is sent. */
export interface HelpState {
  readonly request: Uint8Array
  readonly reply: Uint8Array
  /** Of the reply's key; zeros before it is drawn, and when it is done with. */
  readonly seed: Uint8Array
  readonly reveal: Uint8Array
  /** Whether the help was sent, and how many codes may be typed yet. */
  readonly typed: Tries
  /** Help or refusal. */
  readonly last: Uint8Array
}

/** FORMAT.md, "Saved help". */
export function encodeHelpState({ request, reply, seed, reveal, typed, last }: HelpState): Uint8Array {
  const short = [request, reply, reveal].flatMap((message) => [uint(message.length, 2), message])
  return wrap(KIND.helping, concat([...short, seed, writeTries(typed), uint(last.length, 4), last]))
}

/** @throws SECRET_SHARE_DAMAGED, SECRET_SHARE_NEWER_FORMAT, SECRET_SHARE_NOT_A_SHARE */
export function decodeHelpState(bytes: Uint8Array): HelpState {
  const reader = new WireReader(unwrap(KIND.helping, bytes))
  const request = reader.take(reader.uint(2))
  const reply = reader.take(reader.uint(2))
  const reveal = reader.take(reader.uint(2))
  const seed = reader.take(SEED_BYTES)
  const typed = readTries(reader)
  const last = reader.take(reader.uint(4))
  reader.end()
  const [asked, begun, revealed] = [request, reply, reveal].map(({ length }) => length > 0)
  const inOrder = (asked || !begun) && (begun || !revealed) && (revealed || !typed.right)
  const over = last.length > 0
  const noSeed = seed.every((byte) => byte === 0)
  const fits = (over || !typed.right) && noSeed === (over || !begun) && (revealed || isUntouched(typed))
  if (!inOrder || !fits) throw damaged()
  return { request, reply, seed, reveal, typed, last }
}
