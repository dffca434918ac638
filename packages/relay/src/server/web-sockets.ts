import { WebSocketServer } from 'ws'
import type { Wire } from '../wires/wire.ts'
import { WEBSOCKET_BOUNDS, WsWire } from '../wires/ws-wire.ts'
import type { Strangers } from './strangers.ts'

/** A request for a WebSocket, as Node's HTTP servers tell of it: an `IncomingMessage`. */
export interface UpgradeRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What it came over: a `Socket` or `TLSSocket`. */
export interface UpgradeSocket {
  readonly remoteAddress?: string | undefined
  destroy(): unknown
}

/** Whom {@link WebSockets} tells. */
export interface WebSocketArrivals {
  /** Who has not said who it is, from everywhere. */
  readonly strangers: Strangers
  /** @param deadline - until when it has to say who it is */
  readonly onwire: (wire: Wire, deadline: number) => void
  /** Somebody has found no room, and was not heard. */
  readonly onfull: (address: string) => void
}

/** Where somebody who asks for a WebSocket comes from, and until when it has to say who it is. */
export interface Arriving {
  readonly address: string
  readonly deadline: number
}

/** A device sends single frames: longer messages none of ours sends. */
const MAX_MESSAGE_BYTES = 128 * 1024

/** Makes wires of requests for a WebSocket. Compression is off: what it would compress is encrypted. */
export class WebSockets {
  readonly #arrivals: WebSocketArrivals
  readonly #server = new WebSocketServer({
    ...WEBSOCKET_BOUNDS,
    maxPayload: MAX_MESSAGE_BYTES,
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    // A pong for every ping would pile up for whoever does not read: the wire answers.
    autoPong: false
  })

  constructor(arrivals: WebSocketArrivals) {
    this.#arrivals = arrivals
  }

  /** @param head - what came with the request already */
  take(
    request: UpgradeRequest,
    socket: UpgradeSocket,
    head: Uint8Array,
    { address, deadline }: Arriving
  ): void {
    const { strangers, onwire, onfull } = this.#arrivals
    if (!strangers.makeRoom(address)) {
      onfull(address)
      socket.destroy()
      return
    }
    const [asked, stream, bytes] = [request, socket, head] as unknown as Parameters<
      WebSocketServer['handleUpgrade']
    >
    this.#server.handleUpgrade(asked, stream, bytes, (ws) => onwire(new WsWire(ws, address), deadline))
  }
}
