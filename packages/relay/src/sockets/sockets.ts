import { type AddressInfo, connect, createServer } from '#net'
import { WebSocket } from '#ws'
import { cannotListen } from '../cannot-listen.ts'
import { beginWire } from '../wires/failed-wire.ts'
import { TcpWire } from '../wires/tcp-wire.ts'
import type { Wire } from '../wires/wire.ts'
import { WEBSOCKET_BOUNDS, WsWire } from '../wires/ws-wire.ts'

/** Whether this platform has TCP. */
export const hasTcp = true

/** Begins a TCP connection. What is written meanwhile goes out when it is there. */
export function dialTcp(host: string, port: number): Wire {
  return beginWire('tcp', () => new TcpWire(connect(port, host)))
}

/** A relay passes on what it held of a frame, and what came after it, in one: 200 KiB at most. */
const MAX_MESSAGE_BYTES = 256 * 1024

/** Begins a WebSocket, without compression: what it would compress is encrypted. */
export function dialWs(url: string): Wire {
  const options = {
    ...WEBSOCKET_BOUNDS,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handshakeTimeout: 5_000,
    autoPong: false
  }
  return beginWire('ws', () => new WsWire(new WebSocket(url, options)))
}

/** Somewhere that TCP connections come in. */
export interface TcpListener {
  readonly port: number
  close(): Promise<void>
}

/**
 * Listens for TCP connections.
 *
 * @throws RelayError `RELAY_CANNOT_LISTEN`
 */
export async function listenTcp(
  { host, port = 0 }: { readonly host?: string; readonly port?: number },
  onwire: (wire: Wire) => void
): Promise<TcpListener> {
  const server = createServer((socket) => onwire(new TcpWire(socket)))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (host === undefined) server.listen(port, resolve)
    else server.listen(port, host, resolve)
  }).catch((error: unknown) => {
    throw cannotListen(`${host ?? 'all addresses'}, TCP port ${port}`, error)
  })
  // One connection that could not be accepted is no reason to end the process.
  server.on('error', () => {})
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => void server.close(() => resolve()))
  }
}
