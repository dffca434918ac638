import { sha256 } from '@noble/hashes/sha2.js'
import b4a from 'b4a'
import { badArgument, checkOptions, isBytes } from '../arguments.ts'
import { HASH_BYTES, randomBytes } from '../crypto/crypto.ts'
import { KeyRotationError } from '../errors.ts'
import { malformed } from '../format/codecs.ts'
import { hex } from '../state/state.ts'
import { encodeRequest, mismatch, readAnswer, readCertificates } from './pkix-adapter.ts'

/** Answers of real services have up to some 10 KB. */
const MAX_ANSWER_BYTES: number = 64 * 1024
const NONCE_BYTES = 8

/** What a time-stamping service has said of an event, RFC 3161. */
export interface Timestamp {
  /** Hash of the event, 32 bytes. */
  readonly event: Uint8Array
  /** When the service had it, at the latest: its time and, where it states one, its inaccuracy. In ms since 1970. */
  readonly time: number
  /** The service's policy, as an object identifier. */
  readonly policy: string
  readonly serial: Uint8Array
  /** The answer whole, which can be checked again. */
  readonly answer: Uint8Array
}

export interface TimestampRequest {
  /** DER, to be sent by POST as `application/timestamp-query`. */
  readonly request: Uint8Array
  /** The answer to this request has it, and no older one. */
  readonly nonce: Uint8Array
}

/** Of the web's `fetch` what is used here. */
export type FetchLike = (
  url: string,
  init: { method: 'POST'; headers: Record<string, string>; body: ArrayBuffer; signal?: never }
) => Promise<{ readonly ok: boolean; readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }>

export interface StampOptions {
  /** A runtime's own `fetch` fits. */
  fetch: FetchLike
  /** Is handed to `fetch`: without one there is no time limit, and none to what a service that one trusts answers. */
  signal?: unknown
}

/**
 * Asks for a time stamp of an event. The service learns a hash of the event's, and nothing else.
 *
 * @param event - its hash: of the last one, `state.hash`
 * @throws KEY_ROTATION_BAD_ARGUMENT
 */
export function createTimestampRequest(event: Uint8Array): TimestampRequest {
  checkEvent(event)
  const nonce = randomBytes(NONCE_BYTES)
  // An ASN.1 integer that is positive and as short as can be is the same bytes at both ends.
  nonce[0] = ((nonce[0] ?? 0) & 0x3f) | 0x40
  return { request: encodeRequest(sha256(event), nonce), nonce }
}

/**
 * Time stamps of events, by services whose certificates this device believes: that an event was there by then, such as a revocation before what somebody claims to be older.
 * Not that anybody had heard of it: its authors can have kept it to themselves. Nothing is written to a disk: keep the answers, and `add` them again.
 *
 * On WebCrypto, by PKIjs: on Node and in browsers, not on Bare.
 */
export class Timestamps {
  readonly #authorities: ReturnType<typeof readCertificates>
  readonly #known = new Map<string, Timestamp>()

  /**
   * @param authorities - X.509 certificates in DER, of those that certify time-stamping services. Whoever has their keys can back-date
   * @throws KEY_ROTATION_BAD_ARGUMENT
   */
  constructor(authorities: readonly Uint8Array[]) {
    if (!Array.isArray(authorities) || authorities.length === 0)
      throw badArgument('without an authority every time stamp would do')
    this.#authorities = readCertificates(authorities)
  }

  /** By when an event was there at the latest, in ms since 1970; `null`: no time stamp says. */
  timeOf(event: Uint8Array): number | null {
    return this.#known.get(hex(event))?.time ?? null
  }

  /** The earliest of each event. */
  get all(): readonly Timestamp[] {
    return [...this.#known.values()]
  }

  /**
   * Checks an answer, and counts it from now on. It may have come over any way, and be of any age.
   *
   * @param event - hash of the event that it must be about
   * @param nonce - of the request, if it is the answer to one that was made here
   * @throws KEY_ROTATION_MALFORMED, KEY_ROTATION_TOO_LARGE, KEY_ROTATION_TIMESTAMP_REFUSED when the service says no,
   *   KEY_ROTATION_TIMESTAMP_MISMATCH when it is about something else, or was changed, KEY_ROTATION_TIMESTAMP_UNTRUSTED when no authority
   *   stands behind its signer, at the time it states
   */
  async add(event: Uint8Array, answer: Uint8Array, nonce: Uint8Array | null = null): Promise<Timestamp> {
    checkEvent(event)
    if (!(answer instanceof Uint8Array)) throw badArgument('an answer is bytes')
    if (answer.length > MAX_ANSWER_BYTES)
      throw new KeyRotationError('KEY_ROTATION_TOO_LARGE', 'no time stamp is as large')
    const stated = await readAnswer(answer, event, this.#authorities)
    if (!b4a.equals(stated.imprint, sha256(event))) throw mismatch('the time stamp is of something else')
    if (nonce !== null && (stated.nonce === null || !b4a.equals(stated.nonce, nonce)))
      throw mismatch('the time stamp is the answer to another request')
    const { policy, serial } = stated
    const time = stated.time + stated.accuracyMs
    if (!Number.isSafeInteger(time) || time < 0) throw malformed('the time stamp states no time')
    const timestamp = { event: b4a.from(event), time, policy, serial, answer: b4a.from(answer) }
    const known = this.#known.get(hex(event))
    if (known === undefined || time < known.time) this.#known.set(hex(event), timestamp)
    return timestamp
  }

  /**
   * Has a service stamp an event now. One request.
   *
   * @param url - of the service, such as `https://freetsa.org/tsr`
   * @param event - its hash
   * @throws KEY_ROTATION_TIMESTAMP_UNAVAILABLE with the cause when it cannot be reached, or answers with an error, and what `add` throws
   */
  async stamp(url: string, event: Uint8Array, options: StampOptions): Promise<Timestamp> {
    checkOptions(options, ['fetch', 'signal'])
    const { request, nonce } = createTimestampRequest(event)
    return this.add(event, await post(url, request, options), nonce)
  }
}

async function post(url: string, body: Uint8Array, { fetch, signal }: StampOptions): Promise<Uint8Array> {
  const headers = { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: new Uint8Array(body).buffer,
      ...(signal === undefined ? {} : { signal: signal as never })
    })
    if (!response.ok) throw unavailable(`the service answers with ${response.status}`)
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    if (cause instanceof KeyRotationError) throw cause
    throw unavailable('the service cannot be reached', { cause })
  }
}

function checkEvent(event: unknown): void {
  if (!isBytes(event, HASH_BYTES)) throw badArgument(`the hash of an event has ${HASH_BYTES} bytes`)
}

function unavailable(message: string, options?: { cause: unknown }): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_TIMESTAMP_UNAVAILABLE', message, options)
}
