import { nameOf } from '../keys.ts'
import { refusal } from '../protocol/refusal.ts'
import type { DeviceConnection } from './device-connection.ts'
import { Splice, type SpliceOptions } from './splice.ts'
import { WaitingRoom } from './waiting-room.ts'

/** Options of a {@link Switchboard}. */
export interface SwitchboardOptions extends SpliceOptions {
  /** How long an opener waits for a target that was reached by somebody else just now and has not registered again. */
  reparkMs: number
  /** Called when two are joined. */
  onjoined: () => void
  /** Silence in both directions after which a splice ends. */
  idleMs: number
}

/**
 * Who is registered, and who waits for whom.
 *
 * A registration is a parked connection, one for each key; the next that opens it takes it, and the device registers anew. So no second
 * connection has to be made before bytes flow. Those who wait for one take turns by device.
 */
export class Switchboard {
  readonly #options: SwitchboardOptions
  readonly #parked = new Map<string, DeviceConnection>()
  readonly #waiting = new WaitingRoom<DeviceConnection>()
  /** When a registration was taken, for keys that will be back in a moment. */
  readonly #taken = new Map<string, number>()
  readonly #splices = new Set<Splice>()

  constructor(options: SwitchboardOptions) {
    this.#options = options
  }

  /** Registrations. */
  get registered(): number {
    return this.#parked.size
  }

  /** Openers that wait. */
  get waiting(): Iterable<DeviceConnection> {
    return this.#waiting.openers
  }

  /** Pairs of connections that are joined. */
  get splices(): ReadonlySet<Splice> {
    return this.#splices
  }

  /** Those that are parked. */
  get parked(): Iterable<DeviceConnection> {
    return this.#parked.values()
  }

  /** A device registers. What it had parked before is let go: most likely its network has changed. */
  park(connection: DeviceConnection): void {
    const name = deviceOf(connection)
    const before = this.#parked.get(name)
    this.#parked.set(name, connection)
    before?.leave()
    this.#taken.delete(name)
    const opener = this.#waiting.next(name)
    if (opener !== null) this.#join(opener, connection)
  }

  /** Joins an opener to its target, lets it wait, or refuses. */
  open(opener: DeviceConnection, target: Uint8Array): void {
    const name = nameOf(target)
    const parked = this.#parked.get(name)
    if (parked !== undefined) return this.#join(opener, parked)
    const takenAt = this.#taken.get(name) ?? -Infinity
    if (takenAt + this.#options.reparkMs <= this.#options.now())
      return opener.refuse(refusal('RELAY_NOT_REGISTERED'))
    this.#waiting.add(name, deviceOf(opener), opener)
    opener.deadline = this.#options.now() + this.#options.reparkMs
  }

  /** Whether it is registered, or was reached just now and is about to register again. */
  isBack(device: Uint8Array): boolean {
    const name = nameOf(device)
    const takenAt = this.#taken.get(name) ?? -Infinity
    return this.#parked.has(name) || takenAt + this.#options.reparkMs > this.#options.now()
  }

  /** Devices that were reached just now, and may be about to register again. */
  get returning(): number {
    const since = this.#options.now() - this.#options.reparkMs
    return [...this.#taken.values()].filter((takenAt) => takenAt > since).length
  }

  /** A connection is about to end: it is reached no more, and waits no more. */
  leave(connection: DeviceConnection): void {
    const name = deviceOf(connection)
    if (this.#parked.get(name) === connection) this.#parked.delete(name)
    this.#waiting.delete(connection)
  }

  /** A connection has ended. */
  forget(connection: DeviceConnection): void {
    this.leave(connection)
    if (connection.splice !== null) this.#splices.delete(connection.splice)
  }

  /** Forgets what was taken long ago. */
  sweep(): void {
    const before = this.#options.now() - this.#options.reparkMs
    for (const [name, takenAt] of this.#taken) if (takenAt <= before) this.#taken.delete(name)
  }

  #join(opener: DeviceConnection, target: DeviceConnection): void {
    const name = deviceOf(target)
    const from = opener.lease?.device
    this.#parked.delete(name)
    this.#taken.set(name, this.#options.now())
    if (from === undefined) return target.leave()
    const splice = new Splice(opener, target, this.#options)
    this.#splices.add(splice)
    this.#options.onjoined()
    target.join(splice, this.#options.idleMs)
    opener.join(splice, this.#options.idleMs)
    target.send({ type: 'incoming', from })
    opener.send({ type: 'opened' })
  }
}

function deviceOf({ lease }: DeviceConnection): string {
  return lease === null ? '' : nameOf(lease.device)
}
