import NoiseSecretStream, { type DuplexStream, type StartOptions } from '@hyperswarm/secret-stream'
import type { PathInfo } from '../paths/path.ts'

/**
 * A connection to a device: an ordinary secret-stream, encrypted from end to end, that also says which way it goes.
 *
 * It is there at once and opens later, as hyperdht's: `await connection.opened` gives false when the device could not be reached, and
 * `'error'` says why. `'path'` is emitted when the way changes.
 */
export class SecretConnection extends NoiseSecretStream {
  #path: PathInfo | null = null
  /** Its app wishes to know whether the other device is there. */
  onasked: () => void = () => {}

  constructor(isInitiator: boolean, publicKey: Uint8Array, remotePublicKey: Uint8Array) {
    super(isInitiator, null, { autoStart: false, publicKey, remotePublicKey })
  }

  /** Which way its bytes go now; `null` before it has opened, and while no way is left. */
  get path(): PathInfo | null {
    return this.#path
  }

  /** Begins over a raw stream, with a handshake that is done. */
  begin(raw: DuplexStream, options: StartOptions, path: PathInfo): void {
    this.moved(path)
    this.run(raw, options)
  }

  /** The same, where the way it goes was told already: its app may have ended it then, and a stream that never starts takes nothing along. */
  run(raw: DuplexStream, options: StartOptions): void {
    if (this.destroying) raw.destroy()
    else this.start(raw, options)
  }

  /** As Hyperswarm does when the network has changed: whether the other device is there shows soon. What `setKeepAlive` has said now and then does not go through here. */
  override sendKeepAlive(): void {
    super.sendKeepAlive()
    this.onasked()
  }

  /** It goes this way, or has none. @returns whether that is another one */
  moved(path: PathInfo | null): boolean {
    const before = this.#path
    this.#path = path
    if (before?.kind === path?.kind && before?.relay === path?.relay && before?.transport === path?.transport)
      return false
    // What was written before it has closed may still be under way, and move.
    if (!this.destroyed) this.#emit('path', path)
    return true
  }

  #emit(event: 'path', path: PathInfo | null): void {
    const emitter = this as unknown as { emit(event: string, value: unknown): void }
    emitter.emit(event, path)
  }
}
