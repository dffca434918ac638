import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import {
  type ControlMessage,
  decodeControl,
  decodeWelcome,
  encodeControl,
  encodeHello
} from '../protocol/control.ts'
import { dataFrame, frame, FRAME, FrameReader } from '../protocol/frames.ts'
import { ControlCipher, Handshake } from '../protocol/handshake.ts'
import { type Refusal, refusalError } from '../protocol/refusal.ts'
import type { Wire } from '../wires/wire.ts'

/** What a device shows to a relay. */
export interface RelayChannelOptions {
  keyPair: KeyPair
  /** The relay's public key. */
  relay: Uint8Array
  grant: Uint8Array | null
}

/** What a {@link RelayChannel} tells. */
export interface RelayChannelEvents {
  /** The relay knows this device now. */
  onwelcome(): void
  /** Anything but a refusal, which ends the channel. @returns false where that breaks the protocol */
  oncontrol(message: ControlMessage): boolean
  /** Whole DATA frames, borrowed. @returns false where that breaks the protocol */
  ondata(run: readonly Uint8Array[]): boolean
  ondrain(): void
  /** Called once. `error` has what the relay has said, or has done wrong, if that was it; `refusal` where it has said why. */
  onclose(cause: Error | null, error: RelayError | null, refusal: Refusal | null): void
}

/** A wire to a relay that was greeted: what is said there is sealed, what is carried is not. It owns the wire. */
export class RelayChannel {
  readonly #wire: Wire
  readonly #handshake: Handshake
  readonly #events: RelayChannelEvents
  readonly #reader: FrameReader
  #cipher: ControlCipher | null = null
  #refusal: Refusal | null = null
  #error: RelayError | null = null

  /** @throws RELAY_BAD_ARGUMENT for a relay's key that is none; the wire is gone then */
  constructor(wire: Wire, { keyPair, relay, grant }: RelayChannelOptions, events: RelayChannelEvents) {
    this.#wire = wire
    this.#events = events
    this.#handshake = new Handshake('device to relay', keyPair, relay)
    const hello = this.#hello(grant)
    this.#reader = new FrameReader({
      onframe: (type, body) => this.#onframe(type, body),
      ondata: (run) => {
        if (!events.ondata(run)) this.#fail()
      },
      oninvalid: () => this.#fail()
    })
    wire.start({
      onbytes: (chunk) => this.#reader.push(chunk),
      ondrain: () => events.ondrain(),
      onclose: (cause) => events.onclose(cause, this.#error, this.#refusal)
    })
    wire.write(frame(FRAME.HELLO, hello))
  }

  /** Says something that only the relay can read. Nothing before it is welcome. */
  say(message: ControlMessage): void {
    const sealed = this.#cipher?.seal(encodeControl(message))
    if (sealed !== undefined) this.#wire.write(frame(FRAME.CONTROL, sealed))
  }

  /** Sends a DATA frame. @returns false when it is enough for now: `ondrain` follows */
  carry(parts: readonly Uint8Array[]): boolean {
    return this.#wire.write(...dataFrame(parts))
  }

  end(): void {
    this.#wire.end()
  }

  destroy(): void {
    this.#wire.destroy()
  }

  #hello(grant: Uint8Array | null): Uint8Array {
    try {
      return this.#handshake.send(encodeHello(grant))
    } catch (error) {
      this.#wire.start({ onbytes: () => {}, ondrain: () => {}, onclose: () => {} })
      this.#wire.destroy()
      throw error
    }
  }

  #onframe(type: number, body: Uint8Array): void {
    if (type === FRAME.WELCOME && this.#cipher === null) return this.#onwelcome(body)
    const message = type === FRAME.CONTROL ? (this.#cipher?.open(body) ?? null) : null
    const control = message === null ? null : decodeControl(message)
    if (control === null) return this.#fail()
    if (control.type === 'refused') this.#onrefused(control.refusal)
    else if (!this.#events.oncontrol(control)) this.#fail()
  }

  #onwelcome(body: Uint8Array): void {
    const payload = this.#handshake.receive(body)
    const secrets = this.#handshake.secrets()
    const welcome = payload === null ? null : decodeWelcome(payload)
    if (welcome === null || secrets === null) return this.#fail()
    if (welcome !== 'welcome') return this.#onrefused(welcome)
    this.#cipher = new ControlCipher(secrets)
    this.#events.onwelcome()
  }

  #fail(): void {
    this.#reader.stop()
    this.#error ??= new RelayError('RELAY_PROTOCOL', 'the relay does not follow the protocol')
    this.#wire.destroy()
  }

  #onrefused(why: Refusal): void {
    this.#refusal = why
    this.#error = refusalError(why)
    this.#wire.end()
  }
}
