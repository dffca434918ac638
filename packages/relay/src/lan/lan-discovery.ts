import b4a from 'b4a'
import ReadyResource from 'ready-resource'
import type { QueryPacket, ResponsePacket } from 'multicast-dns'
import { RelayError } from '../errors.ts'
import { FoundHosts } from './found-hosts.ts'
import { announcedIn, announcementPacket, isQuestion, questionPacket } from './lan-packets.ts'
import { LanSockets } from './lan-sockets.ts'
import { isLabelOf, labelOf } from './lan-tag.ts'

/** Where a device may be: who is there, only a Noise handshake shows. */
export interface LanAddress {
  /** IPv4: where its announcement came from. */
  readonly host: string
  /** TCP. */
  readonly port: number
}

/** Options of a {@link LanDiscovery}. */
export interface LanDiscoveryOptions {
  /** IPv4 addresses of the interfaces to use. @defaultValue one of each network, but loopback */
  interfaces?: () => readonly string[]
}

/** RFC 6762 section 8.3: at least two announcements, a second apart. */
const ANNOUNCE_AFTER_MS = [0, 1000]
/** RFC 6762 section 6: no record more often than once a second. */
const ANSWER_AFTER_MS = 1000
/** RFC 6762 section 5.2: the second question after a second, then at least twice as long each time, up to an hour; a minute here, for networks change. */
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000
/** How long a device keeps one label. */
const ROTATE_AFTER_MS = 3_600_000

interface Announcement {
  readonly publicKey: Uint8Array
  readonly port: number
  label: string
}

interface Search {
  readonly publicKey: Uint8Array
  readonly onfound: (at: LanAddress) => void
  readonly found: FoundHosts
}

/**
 * Finds devices on the local network by mDNS (RFC 6762) and DNS-SD (RFC 6763), with no internet and no server.
 *
 * A device announces a salted hash of its key, so that those who know the key find it and nobody else learns whose it is; and a port. The address is where
 * the announcement came from, if that is on a network of this machine: nobody can send a device beyond it, though who is on it can name another machine there. An impostor can repeat what it heard, and fails in the handshake.
 *
 * Owns its sockets, on UDP port 5353. IPv4 only. Does no I/O before `ready()`.
 */
export class LanDiscovery extends ReadyResource {
  readonly #sockets: LanSockets
  readonly #announcements = new Set<Announcement>()
  readonly #searches = new Set<Search>()
  readonly #timers = new Set<unknown>()
  #rotation: unknown = null
  #answered: unknown = null
  #asking: unknown = null
  #pauseMs = FIRST_PAUSE_MS

  constructor({ interfaces }: LanDiscoveryOptions = {}) {
    super()
    const listener = {
      onquery: (packet: QueryPacket) => this.#answer(packet),
      onresponse: (packet: ResponsePacket, host: string) => this.#look(packet, host)
    }
    this.#sockets = new LanSockets(listener, interfaces)
  }

  /**
   * Announces a device until the function it returns is called.
   *
   * @param publicKey - 32 bytes
   * @param port - where it awaits Noise over TCP
   * @throws RelayError `RELAY_BAD_ARGUMENT`, `RELAY_CLOSED`
   */
  announce(publicKey: Uint8Array, port: number): () => void {
    this.#check(publicKey)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new RelayError('RELAY_BAD_ARGUMENT', 'a port is a whole number from 1 to 65,535')
    const announcement = { publicKey: b4a.from(publicKey), port, label: labelOf(publicKey) }
    this.#announcements.add(announcement)
    this.#say([announcement])
    return () => {
      if (this.#announcements.delete(announcement))
        this.#sockets.respond(announcementPacket([announcement], true))
    }
  }

  /**
   * Looks for a device until the function it returns is called.
   *
   * @param publicKey - 32 bytes
   * @param onfound - called for each address, of 64 hosts and two ports of each, where more are named some others, and again after another question: try each, and believe none before its
   *   handshake
   * @throws RelayError `RELAY_BAD_ARGUMENT`, `RELAY_CLOSED`
   */
  find(publicKey: Uint8Array, onfound: (at: LanAddress) => void): () => void {
    this.#check(publicKey)
    const search = { publicKey: b4a.from(publicKey), onfound, found: new FoundHosts() }
    this.#searches.add(search)
    this.#pauseMs = FIRST_PAUSE_MS
    this.#ask()
    return () => {
      this.#searches.delete(search)
      if (this.#searches.size === 0) clearTimeout(this.#asking)
    }
  }

  protected override async _open(): Promise<void> {
    this.#sockets.update()
    this.#rotation = setInterval(() => this.#rotate(), ROTATE_AFTER_MS)
    this.#say([...this.#announcements])
    if (this.#searches.size > 0) this.#ask()
  }

  protected override async _close(): Promise<void> {
    for (const timer of [...this.#timers, this.#answered, this.#asking]) clearTimeout(timer)
    clearInterval(this.#rotation)
    if (this.#announcements.size > 0)
      this.#sockets.respond(announcementPacket([...this.#announcements], true))
    this.#announcements.clear()
    this.#searches.clear()
    await this.#sockets.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #check(publicKey: Uint8Array): void {
    if (this.closing !== null) throw new RelayError('RELAY_CLOSED', 'the discovery is closed')
    if (publicKey instanceof Uint8Array && publicKey.length === 32) return
    throw new RelayError('RELAY_BAD_ARGUMENT', 'a public key has 32 bytes')
  }

  #say(announced: readonly Announcement[]): void {
    if (!this.opened || announced.length === 0) return
    for (const afterMs of ANNOUNCE_AFTER_MS) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        const current = announced.filter((announcement) => this.#announcements.has(announcement))
        this.#sockets.update()
        if (current.length > 0) this.#sockets.respond(announcementPacket(current))
      }, afterMs)
      this.#timers.add(timer)
    }
  }

  #answer(packet: QueryPacket): void {
    if (this.#announcements.size === 0 || this.#answered !== null || !isQuestion(packet)) return
    this.#sockets.respond(announcementPacket([...this.#announcements]))
    this.#answered = setTimeout(() => {
      this.#answered = null
    }, ANSWER_AFTER_MS)
  }

  #ask(): void {
    clearTimeout(this.#asking)
    if (this.#searches.size === 0 || this.closing !== null) return
    if (this.opened) {
      // Who has failed, or was somebody else, may be there by now.
      for (const { found } of this.#searches) found.clear()
      this.#sockets.update()
      this.#sockets.query(questionPacket())
    }
    this.#asking = setTimeout(() => this.#ask(), this.#pauseMs)
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs)
  }

  #look(packet: ResponsePacket, host: string): void {
    for (const { label, port } of announcedIn(packet)) {
      for (const search of this.#searches) {
        const { found, publicKey, onfound } = search
        if (isLabelOf(label, publicKey) && found.add(host, port)) onfound({ host, port })
      }
    }
  }

  #rotate(): void {
    for (const announcement of this.#announcements) announcement.label = labelOf(announcement.publicKey)
    this.#say([...this.#announcements])
  }
}
