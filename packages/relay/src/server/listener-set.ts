import { RelayError } from '../errors.ts'
import type { Answer } from './answers.ts'
import {
  listenHttp,
  type Listener,
  listenTcp,
  listenWs,
  type TlsListener,
  type WsArrivals
} from './listeners.ts'
import type { RelayServerOptions, TlsOptions } from './options.ts'
import type { WebSocketArrivals } from './web-sockets.ts'

/** Ports of the listeners there are; `null` for one that is not. */
export interface Ports {
  readonly tcp: number | null
  readonly ws: number | null
  readonly metrics: number | null
}

/** What listeners call. */
export interface Arrivals extends WsArrivals, Pick<WebSocketArrivals, 'onwire'> {
  readonly answers: Readonly<Record<string, () => Promise<Answer>>>
}

/** The listeners of a relay: all of them listen, or none. */
export class ListenerSet {
  #tcp: Listener | null = null
  #ws: TlsListener | null = null
  #metrics: Listener | null = null

  get ports(): Ports {
    const [tcp, ws, metrics] = [this.#tcp, this.#ws, this.#metrics].map((one) => one?.port ?? null)
    return { tcp: tcp ?? null, ws: ws ?? null, metrics: metrics ?? null }
  }

  /** @throws {@link RelayError} `RELAY_CANNOT_LISTEN`, `RELAY_BAD_ARGUMENT` */
  async open(
    { tcp, ws, metrics }: Pick<RelayServerOptions, 'tcp' | 'ws' | 'metrics'>,
    { answers, ...arrivals }: Arrivals
  ): Promise<void> {
    try {
      if (tcp)
        this.#tcp = await listenTcp(tcp, (wire) =>
          arrivals.onwire(wire, arrivals.now() + arrivals.greetingMs)
        )
      if (ws) this.#ws = await listenWs(ws, arrivals)
      if (metrics) this.#metrics = await listenHttp(metrics, answers)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** @throws {@link RelayError} `RELAY_BAD_ARGUMENT` */
  renewTls(tls: TlsOptions): void {
    if (this.#ws === null) throw new RelayError('RELAY_BAD_ARGUMENT', 'nothing listens for WebSockets')
    this.#ws.renew(tls)
  }

  /** Ends who has taken too long to ask for anything. */
  sweep(): void {
    this.#ws?.sweep()
  }

  async close(): Promise<void> {
    await Promise.all([this.#tcp, this.#ws, this.#metrics].flatMap((listener) => listener?.close() ?? []))
  }
}
