import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import type { Wire, WireEvents } from './wire.ts'

/** One way to begin a wire. */
export interface WireDial {
  readonly kind: Wire['kind']
  begin(): Wire
}

/** What makes a way the one that is taken. */
export interface FirstWireOptions {
  /** Whether what has come first is an answer of whom was asked: something else answers where a network lets nothing through. */
  isAnswer(chunk: Uint8Array): boolean
  /** Told which has answered. */
  onchosen(kind: Wire['kind']): void
}

/** Silence after which the next way is tried too: two round trips of a quarter of a second, as a connection and an answer need. */
const SILENT_MS = 500

/**
 * Ways to one place, of which the first that brings an answer is the wire: the next one begins where the last has failed, or has brought nothing for
 * half a second, and goes on beside it (as RFC 8305 has it for addresses). What is written before is written to each, so it has to be a greeting that can be heard twice.
 */
export class FirstWire implements Wire {
  readonly #dials: WireDial[]
  readonly #options: FirstWireOptions
  /** Begun, and not over. */
  readonly #begun = new Set<Wire>()
  readonly #written: Uint8Array[] = []
  #kind: Wire['kind']
  #chosen: Wire | null = null
  #events: WireEvents | null = null
  #failure: Error | null = null
  #timer: unknown = null
  #ended = false

  /** @param dials - in order; one at least */
  constructor(dials: readonly [WireDial, ...WireDial[]], options: FirstWireOptions) {
    this.#dials = [...dials]
    this.#kind = dials[0].kind
    this.#options = options
  }

  /** Of the one that has answered; of the first before. */
  get kind(): Wire['kind'] {
    return this.#kind
  }

  get remoteAddress(): string {
    return this.#chosen?.remoteAddress ?? ''
  }

  get backlogBytes(): number {
    return (this.#chosen ?? [...this.#begun][0])?.backlogBytes ?? 0
  }

  start(events: WireEvents): void {
    this.#events = events
    this.#next()
  }

  write(...parts: readonly Uint8Array[]): boolean {
    if (this.#chosen !== null) return this.#chosen.write(...parts)
    this.#written.push(b4a.concat([...parts]))
    for (const wire of this.#begun) wire.write(...parts)
    return true
  }

  pause(): void {
    this.#chosen?.pause()
  }

  resume(): void {
    this.#chosen?.resume()
  }

  end(): void {
    this.#stop()
    for (const wire of this.#begun) wire.end()
  }

  destroy(): void {
    this.#stop()
    for (const wire of this.#begun) wire.destroy()
  }

  #stop(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    if (this.#begun.size === 0) queueMicrotask(() => this.#onclosed())
  }

  #next(): void {
    clearTimeout(this.#timer)
    const dial = this.#ended ? undefined : this.#dials.shift()
    if (dial === undefined) return
    const wire = dial.begin()
    this.#begun.add(wire)
    wire.start({
      onbytes: (chunk) => {
        if (this.#chosen === null && this.#begun.has(wire)) this.#judge(wire, dial.kind, chunk)
        if (this.#chosen === wire) this.#events?.onbytes(chunk)
      },
      ondrain: () => {
        if (this.#chosen === wire) this.#events?.ondrain()
      },
      onclose: (error) => this.#onclose(wire, error)
    })
    for (const bytes of this.#written) wire.write(bytes)
    if (this.#dials.length > 0) this.#timer = setTimeout(() => this.#next(), SILENT_MS)
  }

  #judge(wire: Wire, kind: Wire['kind'], chunk: Uint8Array): void {
    if (this.#options.isAnswer(chunk)) return this.#choose(wire, kind)
    this.#onclose(wire, new RelayError('RELAY_PROTOCOL', 'what has answered is no relay'))
    wire.destroy()
  }

  #choose(wire: Wire, kind: Wire['kind']): void {
    clearTimeout(this.#timer)
    this.#chosen = wire
    this.#kind = kind
    this.#dials.length = 0
    this.#written.length = 0
    for (const other of this.#begun) if (other !== wire) other.destroy()
    this.#options.onchosen(kind)
  }

  #onclose(wire: Wire, error: Error | null): void {
    if (!this.#begun.delete(wire)) return
    this.#failure ??= error
    if (wire === this.#chosen) {
      this.#failure = error
      this.#onclosed()
    } else if (this.#chosen === null) {
      this.#next()
      if (this.#begun.size === 0) this.#onclosed()
    }
  }

  #onclosed(): void {
    const events = this.#events
    this.#events = null
    events?.onclose(this.#failure)
  }
}
