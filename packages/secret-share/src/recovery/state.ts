import { concat } from '../bytes.ts'
import { decodeLabel, encodeLabel } from '../format/label.ts'
import { damaged, KIND, uint, unwrap, WireReader, wrap } from '../format/wire.ts'
import { fromUtf8, toUtf8 } from '../utf8.ts'
import type { AskRecord } from './ask.ts'
import { NONCE_BYTES } from './messages.ts'
import { readTries, writeTries } from './typed-code.ts'

/** The longest name of a friend, in bytes of UTF-8. */
export const NAME_BYTES = 100

/** A recovery at one moment. Secret. */
export interface RecoveryState {
  readonly label: string
  readonly deviceSeed: Uint8Array
  readonly boxSeed: Uint8Array
  readonly friends: readonly { readonly name: string; readonly record: AskRecord }[]
}

/** FORMAT.md, "Saved recovery". */
export function encodeState({ label, deviceSeed, boxSeed, friends }: RecoveryState): Uint8Array {
  const text = encodeLabel(label)
  const parts = friends.map(({ name, record }) => {
    const { nonce, reply, help, typed } = record
    const encoded = toUtf8(name) ?? new Uint8Array(0)
    const last = help ?? new Uint8Array(0)
    return concat([
      uint(encoded.length, 1),
      encoded,
      nonce,
      uint(reply.length, 2),
      reply,
      writeTries(typed),
      uint(last.length, 4),
      last
    ])
  })
  const head = [uint(text.length, 1), text, deviceSeed, boxSeed, uint(friends.length, 2)]
  return wrap(KIND.recovery, concat([...head, ...parts]))
}

/** @throws SECRET_SHARE_DAMAGED, SECRET_SHARE_NEWER_FORMAT, SECRET_SHARE_NOT_A_SHARE */
export function decodeState(bytes: Uint8Array): RecoveryState {
  const reader = new WireReader(unwrap(KIND.recovery, bytes))
  const label = decodeLabel(reader.take(reader.uint(1)))
  if (label === null) throw damaged()
  const [deviceSeed, boxSeed] = [reader.take(32), reader.take(32)]
  const friends = Array.from({ length: reader.uint(2) }, () => decodeFriend(reader))
  reader.end()
  return { label, deviceSeed, boxSeed, friends }
}

function decodeFriend(reader: WireReader): { name: string; record: AskRecord } {
  const encoded = reader.take(reader.uint(1))
  const name = fromUtf8(encoded)
  const nonce = reader.take(NONCE_BYTES)
  const reply = reader.take(reader.uint(2))
  const typed = readTries(reader)
  const help = reader.take(reader.uint(4))
  if (name === null || encoded.length === 0 || encoded.length > NAME_BYTES) throw damaged()
  return { name, record: { nonce, reply, help: help.length === 0 ? null : help, typed } }
}
