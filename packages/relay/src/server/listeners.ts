import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from '#http'
import { createServer as createHttpsServer } from '#https'
import { createServer, type Server, type Socket } from '#net'
import { WebSocketServer } from 'ws'
import { TcpWire } from '../wires/tcp-wire.ts'
import type { Wire } from '../wires/wire.ts'
import { WsWire } from '../wires/ws-wire.ts'
import type { ListenOptions, WebSocketOptions } from './options.ts'
import type { Stranger, Strangers } from './strangers.ts'

/** Something that listens. */
export interface Listener {
  readonly port: number
  /** Takes no more, and ends what is connected. */
  close(): Promise<void>
}

/** A message is a chunk of the stream: longer ones than this no client of ours sends. */
const MAX_MESSAGE_BYTES = 128 * 1024
/** How long a TLS handshake, or the head of a request, may take; looked at every second. */
const HEAD_MS = 10_000
const LIMITS = { headersTimeout: HEAD_MS, requestTimeout: HEAD_MS, connectionsCheckingInterval: 1_000 }

/** Listens for the protocol over TCP. */
export async function listenTcp(options: ListenOptions, onwire: (wire: Wire) => void): Promise<Listener> {
  const server = createServer({ allowHalfOpen: false, keepAlive: true }, (socket) =>
    onwire(new TcpWire(socket))
  )
  return listen(server, options)
}

/** Listens for the protocol over WebSocket. Compression is off: what it would compress is encrypted. */
export async function listenWs(
  { tls = null, ...options }: WebSocketOptions,
  strangers: Strangers,
  onwire: (wire: Wire) => void
): Promise<Listener> {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    clientTracking: false,
    // A pong for every ping would pile up for whoever does not read: the wire answers.
    autoPong: false
  })
  const answer = (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' }).end('WebSocket only\n')
  }
  const server =
    tls === null
      ? createHttpServer(LIMITS, answer)
      : createHttpsServer({ ...LIMITS, ...tls, handshakeTimeout: HEAD_MS }, answer)
  const arrivals = new Map<string, Stranger>()
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket
    if (!strangers.hasRoom(remoteAddress)) return socket.destroy()
    const [name, stranger] = [nameOf(socket), { wire: { remoteAddress } }]
    arrivals.set(name, stranger)
    strangers.add(stranger)
    return socket.once('close', () => {
      arrivals.delete(name)
      strangers.delete(stranger)
    })
  })
  server.on('upgrade', (request, socket, head) => {
    // From here on the connection is counted for itself.
    const stranger = arrivals.get(nameOf(request.socket))
    if (stranger !== undefined) strangers.delete(stranger)
    sockets.handleUpgrade(request, socket, head, (ws) =>
      onwire(new WsWire(ws, request.socket.remoteAddress ?? ''))
    )
  })
  return listen(server, options)
}

/** Serves `/metrics` and `/health`. */
export async function listenHttp(
  options: ListenOptions,
  answers: Readonly<Record<string, () => Promise<{ status: number; type: string; body: string }>>>
): Promise<Listener> {
  const server = createHttpServer(LIMITS, (request, response) => {
    const answer = answers[(request.url ?? '').split('?')[0] ?? '']
    if (answer === undefined || request.method !== 'GET') {
      response.writeHead(404).end()
      return
    }
    answer().then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end()
    )
  })
  return listen(server, { ...options, host: options.host ?? '127.0.0.1' })
}

async function listen(server: Server, { port = 0, host }: ListenOptions): Promise<Listener> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  // One connection that could not be accepted is no reason to end the process.
  server.on('error', () => {})
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // They may never say anything, and never end.
        for (const socket of sockets) socket.destroy()
      })
  }
}

/** The same for a TLS socket and the one below it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
