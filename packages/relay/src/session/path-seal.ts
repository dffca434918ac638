import b4a from 'b4a'
import sodium from 'sodium-universal'
import { FLOW, SEGMENT_HEADER_BYTES, TAG_BYTES } from '../flow/flow-frames.ts'

const DOMAIN = b4a.from('cloudpal/relay/2/path\0')
const PREFIX_BYTES = 17
const NOTHING = b4a.alloc(0)

/**
 * Proves that what comes on a path is what the other device sent there: all of it, once, in order, and not changed.
 *
 * So whoever is in between and leaves out, repeats, moves, changes or invents is found out by the next message of that path, and by no other
 * path. A tag is Poly1305 (RFC 8439, 2.5) of the bytes of a segment, or of nothing, under a key that is used once: keyed BLAKE2b-256 (RFC 7693)
 * with the session's secret over domain, direction, path, number, length, and the frame but for those bytes. It costs 0.3 s/GB where libsodium is native.
 */
export class PathSeal {
  readonly #secret: Uint8Array
  readonly #path: number
  readonly #isInitiator: boolean
  readonly #prefix: Uint8Array = b4a.alloc(PREFIX_BYTES)
  readonly #key: Uint8Array = b4a.alloc(32)
  readonly #expected: Uint8Array = b4a.alloc(TAG_BYTES)
  #sent = 0
  #received = 0

  /** @param isInitiator - whether this side is */
  constructor(secret: Uint8Array, path: number, isInitiator: boolean) {
    this.#secret = secret
    this.#path = path
    this.#isInitiator = isInitiator
  }

  /**
   * @param head - a frame; of a segment its header
   * @param bytes - those of the segment
   * @returns the message, in parts
   */
  seal(head: Uint8Array, bytes: Uint8Array = NOTHING): readonly Uint8Array[] {
    const start = b4a.allocUnsafe(head.length + TAG_BYTES)
    start.set(head)
    this.#tag(start.subarray(head.length), this.#isInitiator, this.#sent++, head, bytes)
    return bytes.length === 0 ? [start] : [start, bytes]
  }

  /** @returns views of the message; `null` for what is not the next of the other side */
  open(message: Uint8Array): { readonly head: Uint8Array; readonly bytes: Uint8Array } | null {
    const headBytes = message[0] === FLOW.SEGMENT ? SEGMENT_HEADER_BYTES : message.length - TAG_BYTES
    const start = headBytes + TAG_BYTES
    if (headBytes < 1 || message.length < start) return null
    const [head, bytes] = [message.subarray(0, headBytes), message.subarray(start)]
    this.#tag(this.#expected, !this.#isInitiator, this.#received, head, bytes)
    if (!sodium.sodium_memcmp(this.#expected, message.subarray(headBytes, start))) return null
    this.#received++
    return { head, bytes }
  }

  #tag(to: Uint8Array, fromInitiator: boolean, number: number, head: Uint8Array, bytes: Uint8Array): void {
    const view = new DataView(this.#prefix.buffer, this.#prefix.byteOffset, PREFIX_BYTES)
    view.setUint8(0, fromInitiator ? 0 : 1)
    view.setUint32(1, this.#path, true)
    view.setBigUint64(5, BigInt(number), true)
    view.setUint32(13, head.length + bytes.length, true)
    sodium.crypto_generichash_batch(this.#key, [DOMAIN, this.#prefix, head], this.#secret)
    sodium.crypto_onetimeauth(to, bytes, this.#key)
  }
}
