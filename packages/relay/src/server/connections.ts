import type { Wire } from '../wires/wire.ts'
import { type ConnectionHost, DeviceConnection } from './device-connection.ts'
import { GreetingLimit } from './greeting-limit.ts'
import type { RelayServerOptions } from './options.ts'
import { Strangers } from './strangers.ts'

/** How many may be there who have not said who they are. */
export type ConnectionsOptions = Pick<RelayServerOptions, 'unknownConnections' | 'unknownPerAddress'>

/** All connections of a relay, of devices that are known and of such that are not yet. It owns them. */
export class Connections implements Iterable<DeviceConnection> {
  /** Those that have proven no key; a listener adds those that have not even asked for a WebSocket. */
  readonly strangers: Strangers
  readonly #all = new Set<DeviceConnection>()
  readonly #host: ConnectionHost

  constructor(
    { unknownConnections = 1_000, unknownPerAddress = 100 }: ConnectionsOptions,
    host: Omit<ConnectionHost, 'mayGreet' | 'onproven' | 'onknown'>
  ) {
    this.strangers = new Strangers(unknownConnections, unknownPerAddress)
    const greetings = new GreetingLimit({
      most: unknownConnections,
      mostByAddress: unknownPerAddress,
      now: host.now
    })
    this.#host = {
      ...host,
      mayGreet: ({ wire }) => greetings.take(wire.remoteAddress),
      onproven: ({ wire }) => greetings.giveBack(wire.remoteAddress),
      onknown: (connection) => this.strangers.delete(connection),
      onclosed: (connection) => {
        this.#all.delete(connection)
        this.strangers.delete(connection)
        host.onclosed(connection)
      }
    }
  }

  get size(): number {
    return this.#all.size
  }

  /** Bytes that wait in this process for slower sides. */
  get heldBytes(): number {
    return [...this.#all].reduce((sum, { heldBytes }) => sum + heldBytes, 0)
  }

  /**
   * @param deadline - until when it has to say who it is
   * @returns whether there was room for it; if not, it is still the caller's
   */
  add(wire: Wire, deadline: number): boolean {
    if (!this.strangers.makeRoom(wire.remoteAddress)) return false
    const connection = new DeviceConnection(wire, deadline, this.#host)
    this.strangers.add(connection)
    this.#all.add(connection)
    return true
  }

  /** Ends all. */
  destroy(): void {
    for (const { wire } of this.#all) wire.destroy()
  }

  [Symbol.iterator](): Iterator<DeviceConnection> {
    return this.#all.values()
  }
}
