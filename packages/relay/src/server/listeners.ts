import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from '#http'
import { createServer as createHttpsServer } from '#https'
import { createServer, isIP, type Server, type Socket } from '#net'
import { TcpWire } from '../wires/tcp-wire.ts'
import type { Wire } from '../wires/wire.ts'
import { cannotListen } from '../cannot-listen.ts'
import { RelayError } from '../errors.ts'
import type { ListenOptions, TlsOptions, WebSocketOptions } from './options.ts'
import type { Answer } from './answers.ts'
import { Proxies } from './proxies.ts'
import type { Stranger } from './strangers.ts'
import type { WebSocketArrivals, WebSockets } from './web-sockets.ts'

/** Something that listens. */
export interface Listener {
  readonly port: number
  /** Takes no more, and ends what is connected. */
  close(): Promise<void>
}

/** One that may end TLS. */
export interface TlsListener extends Listener {
  /** Ends who has not asked for a WebSocket in time. */
  sweep(): void
  /**
   * Greets whoever connects from now on with this certificate; who is connected stays.
   *
   * @throws {@link RelayError} `RELAY_BAD_ARGUMENT` where TLS is not ended, or for what is no certificate and key; the old one stays then
   */
  renew(tls: TlsOptions): void
}

/** What a listener for WebSockets calls. */
export interface WsArrivals extends Pick<WebSocketArrivals, 'strangers' | 'onfull'> {
  readonly webSockets: WebSockets
  /** How long somebody may take to say who it is, from its connection on. */
  readonly greetingMs: number
  readonly now: () => number
}

/** Somebody who has connected, and has not asked for a WebSocket yet. */
interface Arrival {
  readonly stranger: Stranger
  readonly socket: Socket
  /** Until when it has to say who it is. */
  readonly deadline: number
}

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

/** Listens for the protocol over WebSocket. */
export async function listenWs(
  { tls = null, trustProxy = [], ...options }: WebSocketOptions,
  { strangers, webSockets, greetingMs, now, onfull }: WsArrivals
): Promise<TlsListener> {
  const proxies = new Proxies(trustProxy)
  const answer = (_: IncomingMessage, response: ServerResponse): void => {
    // Kept alive it would hold a place among those who have not said who they are.
    response
      .writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket', connection: 'close' })
      .end('WebSocket only\n')
  }
  const secure =
    tls === null
      ? null
      : withTls(tls, () => createHttpsServer({ ...LIMITS, ...tls, handshakeTimeout: HEAD_MS }, answer))
  const server = secure ?? createHttpServer(LIMITS, answer)
  const arrivals = new Map<string, Arrival>()
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket
    const place = proxies.has(remoteAddress) ? null : remoteAddress
    if (!strangers.makeRoom(place)) {
      onfull(remoteAddress)
      return socket.destroy()
    }
    const stranger = { wire: { remoteAddress: place }, expire: () => socket.destroy() }
    const [name, arrival] = [nameOf(socket), { stranger, socket, deadline: now() + greetingMs }]
    arrivals.set(name, arrival)
    strangers.add(stranger)
    return socket.once('close', () => {
      // The next one from that port may be here already.
      if (arrivals.get(name) === arrival) arrivals.delete(name)
      strangers.delete(stranger)
    })
  })
  // Node would answer by itself, and keep it alive.
  server.on('checkExpectation', answer)
  server.on('upgrade', (request, socket, head) => {
    const arrival = arrivals.get(nameOf(request.socket))
    // From here on the connection is counted for itself.
    if (arrival !== undefined) strangers.delete(arrival.stranger)
    arrivals.delete(nameOf(request.socket))
    const { deadline = now() + greetingMs } = arrival ?? {}
    webSockets.take(request, socket, head, { address: proxies.clientOf(request), deadline })
  })
  return {
    ...(await listen(server, options)),
    sweep: () => {
      for (const { socket, deadline } of arrivals.values()) if (deadline <= now()) socket.destroy()
    },
    renew: (tls) =>
      withTls(tls, () => {
        if (secure === null) throw new Error('TLS is not ended here')
        secure.setSecureContext(tls)
      })
  }
}

function withTls<T>({ cert, key }: TlsOptions, use: () => T): T {
  try {
    // Node takes nothing for no certificate, and fails at each handshake.
    if (cert.trim() === '' || key.trim() === '') throw new Error('it is empty')
    return use()
  } catch (error) {
    const help = `the certificate and key cannot be used: ${(error as Error).message}`
    throw new RelayError('RELAY_BAD_ARGUMENT', help, { cause: error })
  }
}

/**
 * Answers these paths, and no other. On loopback only to who asks by an address or as `localhost`: a page in a browser of this machine may have a name of its own pointed here
 * (DNS rebinding), and would read the answer.
 */
export async function listenHttp(
  options: ListenOptions,
  answers: Readonly<Record<string, () => Promise<Answer>>>
): Promise<Listener> {
  const host = options.host ?? '127.0.0.1'
  const server = createHttpServer(LIMITS, (request, response) => {
    if (isLoopback(server.address()) && !isLocalName(request.headers.host)) {
      response.writeHead(421).end()
      return
    }
    const answer = answers[(request.url ?? '').split('?')[0] ?? '']
    if (answer === undefined || !['GET', 'HEAD'].includes(request.method ?? '')) {
      response.writeHead(404).end()
      return
    }
    answer().then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end()
    )
  })
  return listen(server, { ...options, host })
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
      server.removeAllListeners('error')
      resolve()
    })
  }).catch((error: unknown) => {
    throw cannotListen(`${host ?? 'all addresses'}, TCP port ${port}`, error)
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

/** Where it listens, whatever name that was given by. */
function isLoopback(bound: ReturnType<Server['address']>): boolean {
  return typeof bound === 'object' && /^(::1$|(::ffff:)?127\.)/.test(bound?.address ?? '')
}

/** An address, `localhost`, or nothing, as HTTP/1.0 may have it; a port may follow. */
function isLocalName(host = ''): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return name === '' || name.toLowerCase() === 'localhost' || isIP(name) !== 0
}

/** The same for a TLS socket and the one below it; a client may use one port for two addresses of this machine. */
function nameOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
