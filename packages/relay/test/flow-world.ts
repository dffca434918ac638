import b4a from 'b4a'
import { Flow } from '../src/flow/flow.ts'
import { PathSeal } from '../src/session/path-seal.ts'

/** Side 0 or side 1. */
export type Me = 0 | 1

/** A message of one direction of a path: where it comes from, as it was sent, and as it is now. */
export interface Message {
  readonly link: Link
  readonly from: Me
  readonly index: number
  readonly sent: Uint8Array
  readonly bytes: Uint8Array
}

/** A path between two flows, as the network sees it: each end may be gone without the other knowing. */
export interface Link {
  readonly id: number
  /** What was sent and has not arrived, by who sent it. */
  readonly queues: readonly [Message[], Message[]]
  readonly open: [boolean, boolean]
  readonly seals: readonly [PathSeal, PathSeal]
  readonly sent: [number, number]
  readonly arrived: [number, number]
}

interface Side {
  readonly flow: Flow
  readonly received: number[]
  written: number
  /** Bytes delivered that the reader has not taken. */
  untaken: number
  finished: boolean
}

/** Of ten segments or so, as the window of a session is of many. */
const WINDOW = 640
const PACE = { startBytes: 120, leastBytes: 60, leastSegmentBytes: 20 }
const SECRET = new Uint8Array(32).fill(9)

/**
 * Two flows and the paths between them, moved one step at a time. Bytes are numbers that count up: any wrong one shows.
 *
 * It knows by itself who has lied: whatever arrives is the next message of its direction, as it was sent, or it is a lie.
 */
export class World {
  readonly links = new Map<number, Link>()
  readonly sides: readonly [Side, Side]
  /** What must not happen, whatever does. */
  readonly faults: string[] = []
  /** Paths on which a lie was found. */
  readonly convicted = new Set<number>()
  /** Bytes of the streams that were put on paths. */
  sentBytes = 0
  /** Milliseconds. */
  now = 0
  #next = 0

  constructor(windows: readonly [number, number] = [WINDOW, WINDOW]) {
    this.sides = [this.#side(0, windows), this.#side(1, windows)]
  }

  #side(me: Me, windows: readonly [number, number]): Side {
    const io = {
      now: () => this.now,
      transmit: (path: number, head: Uint8Array, bytes?: Uint8Array) => {
        const link = this.links.get(path)
        if (link === undefined || !link.open[me]) return true
        this.sentBytes += bytes?.length ?? 0
        const sealed = Buffer.concat(link.seals[me].seal(head, bytes))
        link.queues[me].push({ link, from: me, index: link.sent[me]++, sent: sealed, bytes: sealed })
        return link.queues[me].length < 6
      },
      deliver: (bytes: Uint8Array) => {
        side.received.push(...bytes)
        side.untaken += bytes.length
      },
      onfinish: () => {
        side.finished = true
      },
      onroom: () => {},
      onuntold: () => {},
      onreset: () => this.faults.push('reset'),
      onleft: () => {},
      onretired: (path: number) => this.close(path, me),
      onforsaken: (path: number) => this.close(path, me)
    }
    const side: Side = {
      flow: new Flow(io, { own: windows[me], theirs: windows[other(me)] }, PACE),
      received: [],
      written: 0,
      untaken: 0,
      finished: false
    }
    return side
  }

  /** @returns its number */
  join(rank: number): number {
    const id = this.#next++
    const seals = [new PathSeal(SECRET, id, true), new PathSeal(SECRET, id, false)] as const
    const link: Link = { id, queues: [[], []], open: [true, true], seals, sent: [0, 0], arrived: [0, 0] }
    this.links.set(id, link)
    for (const { flow } of [this.sides[1], this.sides[0]]) flow.addPath(id, rank)
    return id
  }

  write(me: Me, length: number): void {
    const side = this.sides[me]
    if (!side.flow.hasRoom) return
    side.flow.write(Uint8Array.from({ length }, (_, i) => (side.written + i) % 251))
    side.written += length
  }

  /** The next message of a path arrives. */
  deliver(id: number, from: Me): boolean {
    const link = this.links.get(id)
    const message = link?.queues[from].shift()
    if (link === undefined || message === undefined) return false
    if (link.open[other(from)]) this.#arrive(link, other(from), message)
    if (link.open[from]) this.sides[from].flow.drained(id)
    return true
  }

  #arrive(link: Link, to: Me, message: Message): void {
    const from = other(to)
    const isNext = message.link === link && message.from === from && message.index === link.arrived[from]
    const honest = isNext && b4a.equals(message.bytes, message.sent)
    const frame = link.seals[to].open(message.bytes)
    if (honest !== (frame !== null)) this.faults.push(honest ? 'nobody lied' : 'a lie was believed')
    if (frame === null) {
      this.convicted.add(link.id)
      return this.close(link.id, to)
    }
    link.arrived[from]++
    if (!this.sides[to].flow.receive(link.id, frame.head, frame.bytes))
      this.faults.push('a device was blamed')
  }

  /** One end is gone, with all that was on its way to it. What it had sent still arrives, if `lose` is not set. */
  close(id: number, me: Me, lose = false): void {
    const link = this.links.get(id)
    if (link === undefined || !link.open[me]) return
    link.open[me] = false
    if (lose) link.queues[me].length = 0
    this.sides[me].flow.dropPath(id)
  }

  take(me: Me, most: number): void {
    const side = this.sides[me]
    const taken = Math.min(most, side.untaken)
    side.untaken -= taken
    side.flow.took(taken)
  }

  /** All that is under way arrives, the other end of what was cut is noticed, and all is read. */
  settle(): void {
    for (let moved = true; moved;) {
      moved = false
      for (const { id, open } of this.links.values()) {
        for (const me of [0, 1] as const) {
          while (this.deliver(id, me)) moved = true
          if (open[me] || !open[other(me)]) continue
          this.close(id, other(me))
          moved = true
        }
      }
      for (const me of [0, 1] as const) {
        if (this.sides[me].untaken > 0) moved = true
        this.take(me, Infinity)
        this.sides[me].flow.acknowledge()
      }
      // What was taken before may only have been told now.
      moved ||= [...this.links.values()].some(({ queues }) => queues.some(({ length }) => length > 0))
    }
  }

  /** Each side asks on all its paths, as it does when they are silent, and gives up those on which something was sent that never arrived. */
  ask(): void {
    this.settle()
    for (const id of this.links.keys()) for (const { flow } of this.sides) flow.probe(id)
    this.settle()
    for (const { id, sent, arrived } of this.links.values())
      for (const me of [0, 1] as const) if (arrived[me] < sent[me]) this.close(id, other(me))
    this.settle()
  }
}

/** The other side. */
function other(me: Me): Me {
  return me === 0 ? 1 : 0
}
