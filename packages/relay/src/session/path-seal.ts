import b4a from 'b4a'
import sodium from 'sodium-universal'
import { FLOW } from '../flow/flow-frames.ts'

const DOMAIN = b4a.from('cloudpal/relay/1/path\0')
/** Length of what ends every path frame that is no segment. */
const TAG_BYTES = 16

/**
 * Proves that path frames are the other device's, and none is missing, repeated or from elsewhere.
 *
 * Who is in between could else end the stream, acknowledge what never arrived, or take paths away. Segments go without: the secret-stream finds a
 * changed byte, and offsets a missing one. Keyed BLAKE2b-128 (RFC 7693) with the session's secret over domain, direction, path, number and frame.
 */
export class PathSeal {
  readonly #secret: Uint8Array
  readonly #path: number
  readonly #isInitiator: boolean
  #sent = 0
  #received = 0

  /** @param isInitiator - whether this side is */
  constructor(secret: Uint8Array, path: number, isInitiator: boolean) {
    this.#secret = secret
    this.#path = path
    this.#isInitiator = isInitiator
  }

  /** @returns the parts, and the tag after what needs one */
  seal(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    if (parts[0]?.[0] === FLOW.SEGMENT) return parts
    return [...parts, this.#tag(this.#isInitiator, this.#sent++, parts)]
  }

  /** @returns the frame without its tag, or `null` for what is not the next of the other side */
  open(message: Uint8Array): Uint8Array | null {
    if (message[0] === FLOW.SEGMENT) return message
    if (message.length <= TAG_BYTES) return null
    const [frame, tag] = [message.subarray(0, -TAG_BYTES), message.subarray(-TAG_BYTES)]
    const expected = this.#tag(!this.#isInitiator, this.#received, [frame])
    if (!sodium.sodium_memcmp(expected, tag)) return null
    this.#received++
    return frame
  }

  #tag(fromInitiator: boolean, number: number, parts: readonly Uint8Array[]): Uint8Array {
    const head = b4a.alloc(13)
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
    view.setUint8(0, fromInitiator ? 0 : 1)
    view.setUint32(1, this.#path, true)
    view.setBigUint64(5, BigInt(number), true)
    const tag = b4a.alloc(TAG_BYTES)
    sodium.crypto_generichash_batch(tag, [DOMAIN, head, ...parts], this.#secret)
    return tag
  }
}
