import b4a from 'b4a'
import type { KeyPair } from '../types.ts'
import type { Path } from '../paths/path.ts'
import type { Terms } from '../session/greeting.ts'
import { type PeerAddresses, isDialable } from '../addresses/peer-addresses.ts'
import type { DhtLike } from '../dht.ts'
import { dialUdp, dialUdpPath, type FoundDirectly } from './dial-udp.ts'
import { dialDirectly, type Dialled, dialThroughRelay } from './dial.ts'
import { findOnLan, type LanLike } from './find-on-lan.ts'
import type { RelayAddress } from '../addresses/relay-address.ts'
import type { Attempt, Lane } from './race.ts'

/** Where a device may be found. */
export interface WaysOptions {
  readonly keyPair: KeyPair
  readonly target: Uint8Array
  /** Read again for every search: replicas come and go. */
  readonly relays: readonly RelayAddress[]
  /** A way through relays that the device itself names; `null` where no such relay would be trusted. */
  readonly byRecord: (<T>(attempt: (relay: RelayAddress) => Attempt<T>) => Attempt<T>) | null
  /** Known addresses of the device, `host:port`. */
  readonly addresses: readonly string[]
  /** Which of those are dialled that the device names. */
  readonly peerAddresses: PeerAddresses
  readonly udp: UdpOptions | null
  /** What the device listened with in the DHT for paths of sessions, when it was met before. */
  readonly udpKey: Uint8Array | null
  readonly lan: LanLike | null
}

/** The DHT, and what to say there. */
interface UdpOptions {
  readonly dht: DhtLike
  /** Of this client, and of no device: paths prove the device's by their greeting. */
  readonly pathKeyPair: KeyPair
  /** Passed on to the node. */
  readonly more: object
}

/** What is said first on a path. */
export type Greet<T> = (path: Path) => Promise<T>

/** All ways to one device that are known, the most promising first in each kind. */
export class Ways {
  readonly #options: WaysOptions
  #left: Uint8Array | null = null
  #addresses: readonly string[]
  /** What the device listens with in the DHT for paths of sessions. */
  #udpKey: Uint8Array | null

  constructor(options: WaysOptions) {
    this.#options = options
    this.#addresses = options.addresses
    this.#udpKey = options.udpKey
  }

  /** Whether a relay could ever be left for something better. */
  get hasDirect(): boolean {
    return this.#addresses.length > 0 || this.#udpKey !== null || this.#options.lan !== null
  }

  /** The device has said where it is. */
  learn({ tcp, udp }: Terms['candidates']): void {
    const { addresses, peerAddresses } = this.#options
    this.#addresses = [...new Set([...addresses, ...tcp.filter((one) => isDialable(one, peerAddresses))])]
    this.#udpKey = udp.length === 0 || peerAddresses === 'none' ? null : udp
  }

  /** This relay has failed, or goes down: it is asked last. */
  putLast(relay: Uint8Array | null): void {
    this.#left = relay
  }

  /** Through relays; the one that was left is a lane of its own. */
  byRelay<T>(greet: Greet<T>): [Lane<T>, Lane<T>] {
    const { keyPair, target, relays, byRecord } = this.#options
    const left = this.#left
    const isLeft = ({ publicKey }: RelayAddress): boolean => left !== null && b4a.equals(publicKey, left)
    const through = (relay: RelayAddress): Attempt<T> =>
      attemptOf(dialThroughRelay(relay, keyPair, target), greet)
    const others = relays.filter((one) => !isLeft(one)).map((relay) => () => through(relay))
    if (byRecord !== null) others.push(() => byRecord(through))
    return [{ ways: others }, { ways: relays.filter(isLeft).map((relay) => () => through(relay)) }]
  }

  /** Without a relay, over TCP: addresses, and what is found on the local network. @param most - of the addresses */
  byTcp<T>(greet: Greet<T>, most: number = Infinity): [Lane<T>, Lane<T>] {
    const { lan, target } = this.#options
    const byAddress = (address: string): Attempt<T> => attemptOf(dialDirectly(address), greet)
    const byKnown = (address: string): Attempt<T> =>
      attemptOf(dialDirectly(address), async (path) => {
        const greeted = await greet(path)
        this.#putFirst(address)
        return greeted
      })
    return [
      { ways: this.#addresses.slice(0, most).map((one) => () => byKnown(one)) },
      { ways: lan === null ? [] : [() => findOnLan(lan, target, byAddress)] }
    ]
  }

  /** Direct UDP to what the device listens with for paths of sessions. @param limitMs - how long it may take, where not as long as the others */
  byUdp<T>(greet: Greet<T>, limitMs?: number): Lane<T> {
    const { udp } = this.#options
    const key = this.#udpKey
    if (udp === null || key === null) return { ways: [] }
    const limit = limitMs === undefined ? {} : { limitMs }
    return { ways: [() => ({ ...attemptOf(dialUdpPath(udp.dht, udp.pathKeyPair, key), greet), ...limit })] }
  }

  /** Direct UDP as Hyperswarm has it: to whoever listens with the device's own key. */
  plainUdp(): (() => Attempt<FoundDirectly>)[] {
    const { udp, keyPair, target } = this.#options
    return udp === null ? [] : [() => dialUdp(udp.dht, keyPair, target, udp.more)]
  }

  /** This address has worked. */
  #putFirst(address: string): void {
    this.#addresses = [address, ...this.#addresses.filter((one) => one !== address)]
  }
}

/** Dials, then greets; gives both up together. */
function attemptOf<T>(dialled: Dialled, greet: Greet<T>): Attempt<T> {
  return { result: dialled.path.then(greet), abort: () => dialled.abort() }
}
