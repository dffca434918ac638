import { CONNECT_TIMEOUT_MS } from './times.mjs'

/** @import { World } from './simulation.mjs' */
/** @import { SimulatedReplica } from './simulated-replica.mjs' */

const REQUEST_EVERY_MS = 250
const REBALANCE_EVERY_MS = 10_000

/** A client: asks for something four times a second, and wants a replica that answers. */
export class SimulatedDevice {
  /** @type {SimulatedReplica | null} whom it believes to be with */
  #current = null
  #lostAt = -1
  #connecting = false
  #watching = false

  /** @param {World} world */
  constructor(world) {
    this.world = world
    const { parts, set, events } = world
    this.view = new parts.ReplicaView(set.owner, { now: () => events.now })
    this.view.use(set)
  }

  /** Whether a request would be answered now. */
  get served() {
    return this.#current !== null && this.#current.alive && this.#current.sessions.has(this)
  }

  begin() {
    const { events, random } = this.world
    this.#connect(false, [], () => events.after(random() * REQUEST_EVERY_MS, () => this.#request()))
    events.after(random() * REBALANCE_EVERY_MS, () => this.#rebalance())
  }

  /** @param {import('../../src/index.ts').Heartbeat} beat */
  hear(beat) {
    if (this.view.hear(beat)) this.#watch()
  }

  /** @param {SimulatedReplica} replica its process is gone: the device is not told, only the books are kept */
  lost(replica) {
    if (this.#current === replica) this.#lostAt = this.world.events.now
  }

  /** @param {SimulatedReplica} replica */
  askedToMove(replica) {
    if (this.#current === replica) this.#connect(true, [replica.key])
  }

  #request() {
    const { events, outcome } = this.world
    outcome.requests++
    if (!this.served) outcome.failedRequests++
    events.after(REQUEST_EVERY_MS, () => this.#request())
  }

  /** Looks again when the next replica may have missed its third beat, and so on as long as one is alive. */
  #watch() {
    const { events } = this.world
    const at = this.view.nextDeath()
    if (this.#watching || at === Number.POSITIVE_INFINITY) return
    this.#watching = true
    events.after(at - events.now, () => {
      this.#watching = false
      this.#watch()
      if (this.#current === null || this.view.status(this.#current.key)?.state !== 'dead') return
      this.#current = null
      this.#connect(false, [])
    })
  }

  #rebalance() {
    const { parts, events, random } = this.world
    if (this.#current !== null) {
      const chosen = parts.pickReplica(this.view.statuses(), { current: this.#current.key, random })
      if (chosen !== null && this.world.replica(chosen) !== this.#current)
        this.#connect(true, [this.#current.key])
    }
    events.after(REBALANCE_EVERY_MS, () => this.#rebalance())
  }

  /**
   * @param {boolean} moving whether it stays where it is until it is somewhere else
   * @param {Uint8Array[]} exclude
   * @param {() => void} [done]
   */
  #connect(moving, exclude, done = () => {}) {
    if (this.#connecting) return
    const { parts, events, random } = this.world
    const key = parts.pickReplica(this.view.statuses(), { exclude, random })
    if (key === null) {
      if (!moving) events.after(CONNECT_TIMEOUT_MS, () => this.#connect(false, [], done))
      return
    }
    this.#connecting = true
    const trail = new parts.RedirectTrail(this.view, key)
    const failed = (/** @type {Uint8Array} */ at) => {
      this.#connecting = false
      this.#connect(moving, [...exclude, at], done)
    }
    const ask = (/** @type {Uint8Array} */ at, mayRedirect = true) => {
      const replica = this.world.replica(at)
      events.after(2 * this.world.latency(), () => {
        if (!replica.alive) {
          this.view.failed(at)
          events.after(CONNECT_TIMEOUT_MS, () => failed(at))
          return
        }
        const answer = replica.knock(this, mayRedirect)
        if (answer === 'full') failed(at)
        else if (answer === 'served') this.#arrived(replica, done)
        else followOrInsist(at, answer.redirect)
      })
    }
    const followOrInsist = (/** @type {Uint8Array} */ at, /** @type {Uint8Array} */ target) => {
      try {
        ask(trail.follow(target).key)
      } catch (error) {
        if (!(error instanceof parts.RelayError) || error.code !== 'RELAY_REDIRECT_REFUSED') throw error
        ask(at, false)
      }
    }
    ask(key)
  }

  /**
   * @param {SimulatedReplica} replica
   * @param {() => void} done
   */
  #arrived(replica, done) {
    const { events, outcome } = this.world
    this.#connecting = false
    this.view.reached(replica.key)
    const before = this.#current
    if (before !== null && before !== replica && before.sessions.delete(this)) outcome.moves++
    if (this.#lostAt >= 0) outcome.gapsMs.push(events.now - this.#lostAt)
    this.#lostAt = -1
    this.#current = replica
    done()
  }
}
