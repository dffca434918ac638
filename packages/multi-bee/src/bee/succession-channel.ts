import b4a from 'b4a'
import c from 'compact-encoding'
import { openChannel, type MessageChannel } from '../hypercore-adapter.ts'
import { isSuccession } from '../log/succession.ts'
import { MAX_MEMBERS } from '../membership/membership.ts'
import type { Succession } from '../merge/transaction.ts'
import type { DuplexLike } from '../types.ts'

/** A log, and the proof that the device of another one goes on in it. */
export interface Successor {
  writer: Uint8Array
  succession: Succession
}

const PROTOCOL = 'cloudpal/multi-bee'

/**
 * Tells peers of logs that succeed others, and hears of theirs: the one thing about a database that cannot be found in the logs a
 * newcomer knows. PROTOCOL: FORMAT.md, "Between devices".
 */
export class SuccessionChannel {
  readonly #channels = new Map<MessageChannel, Set<string>>()
  readonly #key: Uint8Array
  readonly #known: () => readonly Successor[]
  readonly #onSuccessors: (successors: readonly Successor[]) => void

  /**
   * @param key - of the database
   * @param known - successions to tell of
   * @param onSuccessors - called with what a peer tells; their signatures hold
   */
  constructor(
    key: Uint8Array,
    known: () => readonly Successor[],
    onSuccessors: (successors: readonly Successor[]) => void
  ) {
    this.#key = key
    this.#known = known
    this.#onSuccessors = onSuccessors
  }

  attach(stream: DuplexLike): void {
    const told = new Set<string>()
    const channel = openChannel(stream, PROTOCOL, this.#key, {
      onOpen: () => channel !== null && this.#tell(channel, told),
      onMessage: (bytes) => this.#onMessage(bytes),
      onClose: () => channel !== null && this.#channels.delete(channel)
    })
    if (channel !== null) this.#channels.set(channel, told)
  }

  /** To be called when there may be more to tell. */
  update(): void {
    for (const [channel, told] of this.#channels) if (channel.isOpen) this.#tell(channel, told)
  }

  close(): void {
    for (const channel of this.#channels.keys()) channel.close()
    this.#channels.clear()
  }

  #tell(channel: MessageChannel, told: Set<string>): void {
    const news = this.#known().filter(({ writer }) => !told.has(b4a.toString(writer, 'hex')))
    if (news.length === 0) return
    for (const { writer } of news) told.add(b4a.toString(writer, 'hex'))
    channel.send(encodeSuccessors(news))
  }

  #onMessage(bytes: Uint8Array): void {
    const successors = decodeSuccessors(bytes)
    if (successors !== null) this.#onSuccessors(successors)
  }
}

/** Version of the message. */
const VERSION = 1
const SIZE = 32 + 32 + 32 + 64

export function encodeSuccessors(successors: readonly Successor[]): Uint8Array {
  const parts = successors.map(({ writer, succession: { previous, publicKey, signature } }) =>
    b4a.concat([writer, previous, publicKey, signature])
  )
  return b4a.concat([b4a.from([VERSION]), c.encode(c.uint, successors.length), ...parts])
}

/** @returns those whose signatures hold; `null` for a message of another version, or none of this format */
export function decodeSuccessors(bytes: Uint8Array): Successor[] | null {
  const state = { start: 1, end: bytes.byteLength, buffer: bytes }
  if (bytes[0] !== VERSION) return null
  let count: number
  try {
    count = c.uint.decode(state)
  } catch {
    return null
  }
  if (count > MAX_MEMBERS || bytes.byteLength - state.start !== count * SIZE) return null
  const successors: Successor[] = []
  for (let at = state.start; at < bytes.byteLength; at += SIZE) {
    const field = (from: number, to: number): Uint8Array => b4a.from(bytes.subarray(at + from, at + to))
    const writer = field(0, 32)
    const succession: Succession = {
      type: 'succeed',
      previous: field(32, 64),
      publicKey: field(64, 96),
      signature: field(96, SIZE)
    }
    if (isSuccession(succession, writer)) successors.push({ writer, succession })
  }
  return successors
}
