import type { DuplexStream } from 'hypercore'
import { type CleanupOptions, testCleanup } from './cleanup.ts'
import { createGate, type Gate } from './gate.ts'

/** A Corestore, a Hypercore, a Hyperbee, or anything else with a duplex stream to replicate over. */
export interface Replicable {
  replicate(isInitiator: boolean): object
}

interface Link {
  streams: readonly [DuplexStream, DuplexStream]
  gates: readonly [Gate, Gate]
}

/**
 * A connection between two peers that breaks on demand.
 *
 * It owns its streams, and borrows the peers. `pause` is a network that holds everything up for a while: both
 * ends stay connected. `cut` is one that went away: both streams close, and `heal` makes new ones.
 */
export class Wire {
  readonly #peers: readonly [Replicable, Replicable]
  #link: Link
  #closed: Promise<unknown> = Promise.resolve()
  #destroyed = false
  #failure: Error | null = null

  /** Connects at once; `a` is the initiator. */
  constructor(a: Replicable, b: Replicable) {
    this.#peers = [a, b]
    this.#link = this.#connect()
  }

  /** The replication streams of `a` and `b`, live or closed. Others after `heal`. */
  get streams(): readonly [DuplexStream, DuplexStream] {
    return this.#link.streams
  }

  /** False after a cut, and after one of the peers has closed its stream. True while paused. */
  get connected(): boolean {
    return this.streams.every((stream) => !stream.destroyed && !stream.destroying)
  }

  /** The error with which a peer closed its stream first, as on an invalid proof. Never that of a cut. */
  get failure(): Error | null {
    return this.#failure
  }

  /** Holds the bytes of both directions back. */
  pause(): void {
    for (const gate of this.#link.gates) gate.shut()
  }

  /** Lets them go, in order. */
  resume(): void {
    for (const gate of this.#link.gates) gate.open()
  }

  /** Closes both streams, and waits till they are. Bytes on their way are lost. */
  async cut(): Promise<void> {
    disconnect(this.#link)
    await this.#closed
  }

  /**
   * Resumes what was paused, and reconnects what was cut or broken.
   *
   * @throws Error after `destroy`
   */
  heal(): void {
    if (this.#destroyed) throw new Error('the wire is destroyed')
    if (this.connected) return this.resume()
    disconnect(this.#link)
    this.#failure = null
    this.#link = this.#connect()
  }

  /** A cut that is for good. */
  async destroy(): Promise<void> {
    this.#destroyed = true
    await this.cut()
  }

  /** Same as `destroy()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy()
  }

  #connect(): Link {
    const [a, b] = this.#peers
    const left = a.replicate(true) as DuplexStream
    const right = b.replicate(false) as DuplexStream
    const gates = [createGate(), createGate()] as const
    const closed = Promise.all([left, right].map(whenClosed))
    const link: Link = { streams: [left, right], gates }
    for (const stream of [left, right]) stream.on('error', (error) => this.#onerror(link, error))
    for (const gate of gates) gate.stream.on('error', ignore)
    left.pipe(gates[0].stream).pipe(right)
    right.pipe(gates[1].stream).pipe(left)
    this.#closed = Promise.all([this.#closed, closed])
    return link
  }

  #onerror(link: Link, error: Error): void {
    if (link === this.#link) this.#failure ??= error
  }
}

/**
 * Connects two peers with pipes, and gives the {@link Wire}. It is destroyed before the stores close.
 *
 * @param a - the initiator
 */
export function replicate(
  a: Replicable,
  b: Replicable,
  { cleanup = testCleanup() }: CleanupOptions = {}
): Wire {
  const wire = new Wire(a, b)
  cleanup.defer('stream', () => wire.destroy())
  return wire
}

/** The pipes take the gates along. */
function disconnect(link: Link): void {
  for (const stream of link.streams) stream.destroy()
}

function whenClosed(stream: DuplexStream): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve))
}

function ignore(): void {}
