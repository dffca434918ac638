import { dataFrame, eachBody, FrameReader } from '../protocol/frames.ts'
import type { Wire } from '../wires/wire.ts'
import { RelayError } from '../errors.ts'
import type { Path, PathEvents } from './path.ts'

/** A direct TCP connection to the device: DATA frames and nothing else. It owns the wire. */
export class TcpPath implements Path {
  readonly kind = 'tcp'
  readonly relay = null
  readonly transport = 'tcp'
  readonly origin: string
  readonly #wire: Wire

  constructor(wire: Wire) {
    this.#wire = wire
    this.origin = wire.remoteAddress
  }

  start({ onmessage, ondrain, onclose }: PathEvents): void {
    let failure: Error | null = null
    const fail = (): void => {
      failure = new RelayError('RELAY_PROTOCOL', 'what came is no frame of a path')
      this.#wire.destroy()
    }
    const reader = new FrameReader({
      onframe: fail,
      ondata: (run) => eachBody(run, onmessage),
      oninvalid: fail
    })
    this.#wire.start({
      onbytes: (chunk) => reader.push(chunk),
      ondrain,
      onclose: (error) => onclose(failure ?? error)
    })
  }

  send(parts: readonly Uint8Array[]): boolean {
    return this.#wire.write(...dataFrame(parts))
  }

  end(): void {
    this.#wire.end()
  }

  destroy(): void {
    this.#wire.destroy()
  }
}
