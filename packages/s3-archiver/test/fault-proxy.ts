import { once } from 'node:events'
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse
} from 'node:http'
import { createConnection, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Uint8Array
}

/** One request on its way to the store: what becomes of it is up to the fault. */
interface Exchange {
  /** Lets the store do it. */
  forward(): Promise<Answer>
  /** Answers the client. */
  answer(answer: Answer): void
  /** The answer's beginning only. */
  begin(answer: Answer, bytes: number): Promise<void>
  /** Breaks the connection, as a machine that goes away does. */
  reset(): void
}

export type Fault = (exchange: Exchange) => Promise<void> | void

/** Stands before a store. Each request meets the next of {@link faults}; when there are none left, {@link always}, if any. */
export class FaultProxy {
  readonly faults: Fault[] = []
  always: Fault | null = null
  /** Methods of what was asked for. */
  readonly requests: string[] = []
  readonly #server: Server
  readonly #target: string

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((incoming, response) => void this.#serve(incoming, response))
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(incoming.method ?? '')
    const fault = this.faults.shift() ?? this.always ?? pass
    const body = await buffer(incoming).catch(() => null)
    if (body === null) return
    await fault({
      forward: () => this.#ask(incoming, body),
      answer: ({ status, headers, body }) => void response.writeHead(status, headers).end(body),
      begin: async ({ status, headers, body }, bytes) => {
        response.writeHead(status, headers)
        await new Promise((resolve) => response.write(body.subarray(0, bytes), resolve))
      },
      reset: () => void incoming.socket.resetAndDestroy()
    })
  }

  async #ask({ method, url, headers }: IncomingMessage, body: Uint8Array): Promise<Answer> {
    const { expect: _, ...rest } = headers
    const asking = request(this.#target + (url ?? ''), {
      method: method ?? 'GET',
      headers: rest,
      agent: false
    })
    asking.end(body)
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) }
  }
}

export const pass: Fault = async ({ forward, answer }) => answer(await forward())

/** Never answers. */
export const silence: Fault = () => {}
export const resetBefore: Fault = ({ reset }) => reset()
export const resetAfter: Fault = async ({ forward, reset }) => {
  await forward()
  reset()
}
export const silenceAfter: Fault = async ({ forward }) => void (await forward())
export const failAfter: Fault = async (exchange) => {
  await exchange.forward()
  await fail(500, 'InternalError')(exchange)
}

/** Answers as S3 does, and asks it nothing. Without a code: as a proxy that knows no S3. */
export function fail(status: number, code?: string): Fault {
  const body =
    code === undefined ? '<html>no</html>' : `<Error><Code>${code}</Code><Message>no</Message></Error>`
  const headers = { 'content-type': 'application/xml', 'content-length': `${body.length}` }
  return ({ answer }) => answer({ status, headers, body: Buffer.from(body) })
}

/** Ends the connection after so many bytes of the body. */
export function cutAt(bytes: number): Fault {
  return async ({ forward, begin, reset }) => {
    await begin(await forward(), bytes)
    reset()
  }
}

/** Says nothing more after so many bytes of the body. */
export function stallAt(bytes: number): Fault {
  return async ({ forward, begin }) => begin(await forward(), bytes)
}

/** Lies about the body: other headers than the store's. */
export function withHeaders(change: (headers: IncomingHttpHeaders) => IncomingHttpHeaders): Fault {
  return async ({ forward, answer }) => {
    const { headers, ...rest } = await forward()
    answer({ ...rest, headers: change(headers) })
  }
}

/** Hands on the first bytes of what a client sends, and no more: an upload that stays on its way until the server is gone. */
export async function halfwayTo(
  target: string,
  bytes: number
): Promise<{ endpoint: string; reached: Promise<void>; stop: () => void }> {
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  const sockets: Socket[] = []
  const { hostname, port } = new URL(target)
  const server = createTcpServer((client) => {
    const upstream = createConnection(Number(port), hostname)
    sockets.push(client, upstream)
    let left = bytes
    client.on('data', (data: Uint8Array) => {
      if (left > 0) upstream.write(data.subarray(0, left))
      left -= data.byteLength
      if (left <= 0) reach()
    })
    upstream.pipe(client)
    for (const socket of [client, upstream]) {
      socket.on('error', () => {})
      socket.on('close', () => (socket === client ? upstream : client).destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, reached, stop }
}
