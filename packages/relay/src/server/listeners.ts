import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from '#http'
import { createServer as createHttpsServer } from '#https'
import { createServer, type Server } from '#net'
import { WebSocketServer } from 'ws'
import { TcpWire } from '../wires/tcp-wire.ts'
import type { Wire } from '../wires/wire.ts'
import { WsWire } from '../wires/ws-wire.ts'
import type { ListenOptions, WebSocketOptions } from './options.ts'

/** Something that listens. */
export interface Listener {
  readonly port: number
  /** Takes no more; what is connected stays. */
  close(): Promise<void>
}

/** A message is a chunk of the stream: longer ones than this no client of ours sends. */
const MAX_MESSAGE_BYTES = 1024 * 1024

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
  onwire: (wire: Wire) => void
): Promise<Listener> {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    clientTracking: false
  })
  const answer = (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' }).end('WebSocket only\n')
  }
  const server = tls === null ? createHttpServer(answer) : createHttpsServer({ ...tls }, answer)
  // A head that comes in drops must not hold a socket for a minute.
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  server.on('upgrade', (request, socket, head) => {
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
  const server = createHttpServer((request, response) => {
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
  server.headersTimeout = 10_000
  return listen(server, { host: '127.0.0.1', ...options })
}

async function listen(server: Server, { port = 0, host }: ListenOptions): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => new Promise((resolve) => void server.close(() => resolve()))
  }
}
