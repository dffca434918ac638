import { networkInterfaces } from '#os'
import makeMdns, {
  type MulticastDNS,
  type QueryOutgoingPacket,
  type QueryPacket,
  type ResponseOutgoingPacket,
  type ResponsePacket
} from 'multicast-dns'
import { type Link, isOnLink, linksOf } from './lan-link.ts'

/** What comes in. */
export interface LanListener {
  onquery(packet: QueryPacket): void
  /** @param from - the address of the sender, as its packet has it */
  onresponse(packet: ResponsePacket, from: string): void
}

/**
 * One multicast socket for each local IPv4 network, so that a network without a way out works as any other: sent by no interface in particular, a packet follows the
 * default route, which is not there.
 *
 * They are open to every address, as sockets for multicast are: what does not come from a network of theirs is dropped (RFC 6762 section 11). Where a packet comes from
 * is what somebody has written there: who is on the network can name another machine of it, and nobody can name one elsewhere.
 */
export class LanSockets {
  readonly #listener: LanListener
  readonly #sockets = new Map<string, MulticastDNS>()
  readonly #interfaces: () => readonly string[]
  #links: readonly Link[] = []

  constructor(listener: LanListener, interfaces: () => readonly string[] = localAddresses) {
    this.#listener = listener
    this.#interfaces = interfaces
  }

  /** Addresses it is open on. */
  get addresses(): string[] {
    return [...this.#sockets.keys()]
  }

  /** Opens on networks that are new, and closes on those that are gone. */
  update(): void {
    const addresses = new Set(this.#interfaces())
    this.#links = linksOf(addresses, interfaces())
    for (const [address, socket] of this.#sockets) {
      if (addresses.has(address)) continue
      this.#sockets.delete(address)
      socket.destroy()
    }
    for (const address of addresses) if (!this.#sockets.has(address)) this.#open(address)
  }

  query(packet: QueryOutgoingPacket): void {
    for (const socket of this.#sockets.values()) socket.query(packet)
  }

  respond(packet: ResponseOutgoingPacket): void {
    for (const socket of this.#sockets.values()) socket.respond(packet)
  }

  async close(): Promise<void> {
    const closing = [...this.#sockets.values()].map(
      (socket) => new Promise<void>((resolve) => socket.destroy(() => resolve()))
    )
    this.#sockets.clear()
    await Promise.all(closing)
  }

  #open(address: string): void {
    const socket = makeMdns({ interface: address, bind: '0.0.0.0', reuseAddr: true })
    this.#sockets.set(address, socket)
    // Port taken, network gone: this one is silent until the next update.
    socket.on('error', () => {
      if (this.#sockets.get(address) === socket) this.#sockets.delete(address)
      socket.destroy()
    })
    socket.on('query', (packet, { address: from }) => {
      if (isOnLink(from, this.#links)) this.#listener.onquery(packet)
    })
    socket.on('response', (packet, { address: from }) => {
      if (isOnLink(from, this.#links)) this.#listener.onresponse(packet, from)
    })
  }
}

/** None where the system does not say: some Androids refuse, and it is asked from timers. */
function interfaces(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces()
  } catch {
    return {}
  }
}

/** Of all networks this machine is in, but itself. */
function localAddresses(): string[] {
  return Object.values(interfaces()).flatMap((addresses) => {
    const own = (addresses ?? []).find(
      ({ family, internal }) => !internal && (family === 'IPv4' || family === 4)
    )
    return own === undefined ? [] : [own.address]
  })
}
