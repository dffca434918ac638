// protomux 3.12.1
declare module 'protomux' {
  import type NoiseSecretStream from '@hyperswarm/secret-stream'

  export default class Protomux {
    /** The muxer of a stream; makes one the first time. */
    static from(stream: NoiseSecretStream | Protomux): Protomux
    readonly isProtomux: true
    readonly stream: NoiseSecretStream
    destroy(error?: Error): void
  }
}
