// @hyperswarm/dht-relay 0.4.3
declare module '@hyperswarm/dht-relay' {
  import type { KeyPair } from 'hypercore-crypto'
  import type HyperDHT from 'hyperdht'
  import type NoiseSecretStream from '@hyperswarm/secret-stream'

  export default class RelayedDHT {
    constructor(stream: object, options: { keyPair: KeyPair; custodial: boolean })
    ready(): Promise<void>
    connect(publicKey: Uint8Array, options: { keyPair: KeyPair }): NoiseSecretStream
    destroy(): Promise<void>
  }

  export function relay(dht: HyperDHT, stream: object): Promise<object>
}

declare module '@hyperswarm/dht-relay/ws' {
  export default class WebSocketTransport {
    constructor(isInitiator: boolean, socket: object)
  }
}
