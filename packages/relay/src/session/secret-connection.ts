import NoiseSecretStream, { type DuplexStream, type StartOptions } from '@hyperswarm/secret-stream'
import { RelayError } from '../errors.ts'
import type { PathInfo } from '../paths/path.ts'

/**
 * A connection to a device: an ordinary secret-stream, encrypted from end to end, that also says which way it goes.
 *
 * It is there at once and opens later, as hyperdht's: `await connection.opened` gives false when the device could not be reached, and
 * `'error'` says why. `'path'` is emitted when the way changes.
 */
export class SecretConnection extends NoiseSecretStream {
  /** Called when it is over, before `'close'`. */
  onover: (() => void) | null = null
  #path: PathInfo | null = null
  #carried = false
  #decrypting = false

  constructor(isInitiator: boolean, publicKey: Uint8Array, remotePublicKey: Uint8Array) {
    super(isInitiator, null, { autoStart: false, publicKey, remotePublicKey })
    this.once('close', () => this.onover?.())
  }

  /** Which way its bytes go now; `null` before it has opened, and while no way is left. */
  get path(): PathInfo | null {
    return this.#path
  }

  /** Begins over a raw stream, with a handshake that is done. */
  begin(raw: DuplexStream, options: StartOptions, path: PathInfo): void {
    this.#carried = path.kind !== 'udp'
    this.moved(path)
    this.start(raw, options)
  }

  /** It goes another way, or has none. */
  moved(path: PathInfo | null): void {
    const before = this.#path
    this.#path = path
    if (before?.kind === path?.kind && before?.relay === path?.relay && before?.transport === path?.transport)
      return
    this.#emit('path', path)
  }

  override _onrawdata(data: Uint8Array): void {
    this.#decrypting = true
    try {
      // oxlint-disable-next-line no-underscore-dangle -- upstream's own name: what it throws away there is what was changed
      super._onrawdata(data)
    } finally {
      this.#decrypting = false
    }
  }

  override destroy(error?: Error | null): void {
    const tampered =
      this.#carried && this.#decrypting && error instanceof Error && error.name !== 'RelayError'
    const words = 'somebody between the devices has changed bytes of this connection'
    super.destroy(tampered ? new RelayError('RELAY_TAMPERED', words, { cause: error }) : (error ?? null))
  }

  #emit(event: 'path', path: PathInfo | null): void {
    const emitter = this as unknown as { emit(event: string, value: unknown): void }
    emitter.emit(event, path)
  }
}
