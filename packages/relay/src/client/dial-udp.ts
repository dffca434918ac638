import NoiseSecretStream, { type DuplexStream, type StartOptions } from '@hyperswarm/secret-stream'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import { UdpPath } from '../paths/udp-path.ts'
import type { Dialled } from './dial.ts'
import type { DhtLike } from '../dht.ts'
import type { Attempt } from './race.ts'

/** A direct connection that is there, and has not begun: its raw stream, and the keys. */
export interface FoundDirectly {
  readonly raw: DuplexStream
  readonly options: StartOptions
  /** Milliseconds, as the node would have set it. */
  readonly keepAlive: number
}

/** Stands in for the stream that hyperdht makes, and stops where it would begin to talk. It lives as long as the raw stream. */
class Placeholder extends NoiseSecretStream {
  onstart: ((raw: DuplexStream, options: StartOptions) => void) | null = null

  override start(raw: DuplexStream, options: StartOptions = {}): void {
    // hyperdht takes a raw stream as a sign that it is done.
    Object.assign(this, { rawStream: raw })
    raw.once('close', () => this.destroy())
    this.onstart?.(raw, options)
  }
}

/** Reaches a device that listens in the DHT with this key: also one that knows nothing of this package. */
export function dialUdp(
  dht: DhtLike,
  keyPair: KeyPair,
  target: Uint8Array,
  more: object = {}
): Attempt<FoundDirectly> {
  let abort: () => void = () => {}
  const result = new Promise<FoundDirectly>((resolve, reject) => {
    let failure: Error | null = null
    const stream = dht.connect(target, {
      ...more,
      keyPair,
      createSecretStream: (isInitiator, _, options) => {
        const placeholder = new Placeholder(isInitiator, null, { ...options, autoStart: false })
        const { keepAlive = 0 } = options
        placeholder.onstart = (raw, options) => resolve({ raw, options, keepAlive })
        return placeholder
      }
    })
    stream.on('error', (error) => {
      failure = error
    })
    stream.on('close', () =>
      reject(new RelayError('RELAY_UNREACHABLE', 'no direct UDP connection came about', { cause: failure }))
    )
    abort = () => stream.destroy()
  })
  return { result, abort: () => abort() }
}

/** A direct UDP path to a device that has told the key it listens with. */
export function dialUdpPath(dht: DhtLike, keyPair: KeyPair, key: Uint8Array): Dialled {
  const stream = dht.connect(key, { keyPair })
  const path = new Promise<UdpPath>((resolve, reject) => {
    let failure: Error | null = null
    stream.on('error', (error) => {
      failure = error
    })
    stream.on('close', () =>
      reject(new RelayError('RELAY_UNREACHABLE', 'no direct UDP path came about', { cause: failure }))
    )
    stream.once('open', () => resolve(new UdpPath(stream)))
  })
  return { path, abort: () => stream.destroy() }
}
