import { connect } from '#net'
import { WebSocket } from 'ws'
import { TcpWire } from '../wires/tcp-wire.ts'
import type { Wire } from '../wires/wire.ts'
import { WsWire } from '../wires/ws-wire.ts'

/** Whether this platform has TCP. */
export const hasTcp = true

/** Begins a TCP connection. What is written meanwhile goes out when it is there. */
export function dialTcp(host: string, port: number): Wire {
  return new TcpWire(connect({ host, port, keepAlive: true }))
}

/** Begins a WebSocket, without compression: what it would compress is encrypted. */
export function dialWs(url: string): Wire {
  return new WsWire(new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: 5_000 }))
}
