// @hyperswarm/dht-relay 0.4.3
declare module '@hyperswarm/dht-relay' {
  import type { Duplex } from 'node:stream'
  import type HyperDHT from 'hyperdht'
  import type { KeyPair } from 'hypercore-crypto'
  import type { DuplexStream } from '@hyperswarm/secret-stream'

  export default class Node {
    constructor(stream: Duplex, options?: { keyPair?: KeyPair; custodial?: boolean })

    ready(): Promise<void>
    connect(publicKey: Uint8Array): DuplexStream & { opened: Promise<boolean> }
  }

  export function relay(dht: HyperDHT, stream: Duplex): Promise<void>
}

declare module '@hyperswarm/dht-relay/ws' {
  import { Duplex } from 'node:stream'
  import type { WebSocket } from 'ws'

  export default class Stream extends Duplex {
    constructor(isInitiator: boolean, socket: WebSocket)
  }
}
