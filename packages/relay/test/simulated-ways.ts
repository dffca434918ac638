import type { Dialled } from '../src/client/dial.ts'
import type { RelayAddress } from '../src/index.ts'
import { RelayError } from '../src/errors.ts'
import type { Path, PathEvents } from '../src/paths/path.ts'
import type { KeyPair } from '../src/types.ts'

/** How a way is: it carries; it swallows all, and says nothing; it refuses, and what went through it is cut. */
export type State = 'up' | 'frozen' | 'down'

/** Messages that a path takes before it is full. */
const FULL = 6

/** One way between the devices, and all the paths that go through it. */
export class Way {
  state: State = 'up'
  readonly links = new Set<Link>()
  readonly relay: Uint8Array | null
  latencyMs = 3
  /** Messages that were sent at once come one by one. */
  oneByOne = false

  /** @param relay - its key; `null` for a direct way */
  constructor(relay: Uint8Array | null) {
    this.relay = relay
  }

  set(state: State): void {
    this.state = state
    for (const link of this.links)
      if (state === 'down') link.cut()
      else link.go()
  }

  drain(): void {
    for (const link of this.links) for (const events of link.events) events?.ondraining?.()
  }
}

/** A path, both ends. */
class Link {
  readonly way: Way
  readonly events: (PathEvents | null)[] = [null, null]
  readonly open = [true, true]
  readonly ends: [Path, Path]
  readonly #queues: { readonly message: Uint8Array | null; readonly at: number }[][] = [[], []]

  constructor(way: Way) {
    this.way = way
    way.links.add(this)
    this.ends = [this.#end(0), this.#end(1)]
  }

  #end(me: 0 | 1): Path {
    const { relay } = this.way
    return {
      kind: relay === null ? 'tcp' : 'relay',
      relay,
      transport: 'tcp',
      origin: 'somebody',
      start: (events) => {
        this.events[me] = events
        this.go()
      },
      send: (parts) => {
        if (this.open[me]) this.#put(me, Buffer.concat(parts))
        return (this.#queues[me]?.length ?? 0) < FULL
      },
      end: () => this.#close(me, true),
      destroy: () => this.#close(me, false)
    }
  }

  #put(me: number, message: Uint8Array | null): void {
    const { latencyMs, oneByOne } = this.way
    const now = performance.now()
    const at = Math.max(now + latencyMs, oneByOne ? (this.#queues[me]?.at(-1)?.at ?? 0) + 1 : 0)
    this.#queues[me]?.push({ message, at })
    setTimeout(() => this.go(), at - now)
  }

  /** What waits is passed on, unless the way is frozen. */
  go(): void {
    if (this.way.state !== 'up') return
    for (const me of [0, 1]) {
      const to = 1 - me
      const queue = this.#queues[me] ?? []
      const wasFull = queue.length >= FULL
      while (this.events[to] && queue[0] !== undefined && queue[0].at <= performance.now() + 0.001) {
        const { message } = queue.shift() ?? { message: null }
        if (!this.open[to]) continue
        if (message === null) this.#closed(to)
        else this.events[to]?.onmessage(message)
      }
      if (wasFull && queue.length < FULL && this.open[me]) this.events[me]?.ondrain()
    }
  }

  #close(me: 0 | 1, gently: boolean): void {
    if (!this.open[me]) return
    if (!gently) this.#queues[me]?.splice(0)
    this.#put(me, null)
    this.#closed(me)
  }

  #closed(me: number): void {
    this.open[me] = false
    queueMicrotask(() => this.events[me]?.onclose(null))
    if (!this.open[1 - me]) this.way.links.delete(this)
  }

  cut(): void {
    for (const me of [0, 1]) if (this.open[me]) this.#closed(me)
  }
}

/** What dials go through while it is set: instead of sockets, in simulated time. */
export interface Network {
  /** What leads to a device through a relay. */
  relay(relay: Uint8Array, target: Uint8Array): { way: Way; accept(path: Path): void }
  /** What leads to an address, `host:port`. */
  direct(address: string): { way: Way; accept(path: Path): void }
  dials: number
}

let network: Network | null = null

export function setNetwork(given: Network | null): void {
  network = given
}

/** Instead of those of `client/dial.ts`. */
export const simulatedDials = {
  dialThroughRelay: ({ publicKey }: RelayAddress, _: KeyPair, target: Uint8Array): Dialled =>
    dial((there) => there.relay(publicKey, target)),
  dialDirectly: (address: string): Dialled => dial((there) => there.direct(address))
}

function dial(find: (network: Network) => { way: Way; accept(path: Path): void }): Dialled {
  if (network === null) throw new Error('a dial outside of any network')
  network.dials++
  const { way, accept } = find(network)
  let link: Link | null = null
  let isAborted = false
  const path = new Promise<Path>((resolve, reject) => {
    setTimeout(() => {
      if (isAborted || way.state === 'down') return reject(new RelayError('RELAY_UNREACHABLE', 'down'))
      link = new Link(way)
      accept(link.ends[1])
      resolve(link.ends[0])
    }, 2 * way.latencyMs)
  })
  return {
    path,
    abort: () => {
      isAborted = true
      link?.ends[0].destroy()
    }
  }
}
