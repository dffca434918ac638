import { ATTEMPT_MS, DEAD_MS, KEEP_ALIVE_MS, PONG_MS } from './times.mjs'

/** @import { Heartbeat } from '../../src/index.ts' */
/** @import { World } from './simulation.mjs' */
/** @import { SimulatedReplica } from './simulated-replica.mjs' */

const REQUEST_EVERY_MS = 250
const REGISTRATIONS = 2

/**
 * Where a device is registered, as src/client/replica-slots.ts has it.
 *
 * @typedef {{ replica: SimulatedReplica, stage: 'trying' | 'here' | 'doubted' | 'tempted' | 'moving' }} Place
 */

/**
 * A client that is registered at two replicas. It hears of them by the answers to its pings, one in half a minute, and by what they say unasked; somebody wants to reach it
 * four times a second, at whichever place.
 */
export class SimulatedDevice {
  /** By key. @type {Map<string, Place>} */
  #places = new Map()
  /** When the replicas died that it has not found another one for. @type {number[]} */
  #lostAt = []
  #asksForMore = false

  /** @param {World} world */
  constructor(world) {
    this.world = world
    const { parts, set, events } = world
    this.view = new parts.ReplicaView(set.owner, { now: () => events.now, hearingMs: () => KEEP_ALIVE_MS })
    this.view.use(set)
  }

  /** Whether a request would be answered now. */
  get served() {
    return [...this.#places.values()].some(({ replica }) => replica.alive && replica.sessions.has(this))
  }

  begin() {
    this.#fill()
    const { events, random } = this.world
    events.after(2_000 + random() * REQUEST_EVERY_MS, () => this.#request())
    events.after(random() * KEEP_ALIVE_MS, () => this.#ping())
  }

  /** @param {Heartbeat} beat */
  hear(beat) {
    if (this.view.hear(beat)) this.#fill()
  }

  /** @param {Heartbeat} last three beats of its replica were missed since */
  hearMissing(last) {
    if (!this.view.missed(last)) return
    const place = this.#places.get(nameOf(last.replica))
    if (place === undefined || !isWell(place)) return
    place.stage = 'doubted'
    this.#ask(place, DEAD_MS)
    this.#fill()
  }

  /** @param {SimulatedReplica} replica its process is gone: the device is not told, only the books are kept */
  lost(replica) {
    if (this.#places.has(replica.id)) this.#lostAt.push(this.world.events.now)
  }

  /** @param {SimulatedReplica} replica */
  askedToMove(replica) {
    const place = this.#places.get(replica.id)
    if (place === undefined || (!isWell(place) && place.stage !== 'doubted')) return
    place.stage = 'moving'
    this.#fill()
  }

  get #staying() {
    return [...this.#places.values()].filter(({ stage }) => stage === 'trying' || stage === 'here')
  }

  #request() {
    const { events, outcome } = this.world
    outcome.requests++
    if (!this.served) outcome.failedRequests++
    events.after(REQUEST_EVERY_MS, () => this.#request())
  }

  #ping() {
    for (const place of this.#places.values()) if (isWell(place)) this.#ask(place, PONG_MS)
    this.world.events.after(KEEP_ALIVE_MS, () => this.#ping())
  }

  /**
   * @param {Place} place
   * @param {number} patienceMs
   */
  #ask(place, patienceMs) {
    const { replica } = place
    const { events } = this.world
    const asked = () => this.#places.get(replica.id) === place
    events.after(this.world.latency(), () => {
      if (!replica.alive) return events.after(patienceMs, () => asked() && this.#leave(place))
      const isThere = replica.answer(this)
      events.after(this.world.latency(), () => {
        if (!asked()) return
        // Started anew meanwhile, it knows of no such connection.
        if (!isThere) return this.#leave(place)
        this.view.reached(replica.key)
        if (place.stage === 'doubted') place.stage = 'here'
        this.#balance(replica)
      })
    })
  }

  /** @param {Place} place */
  #leave({ replica, stage }) {
    this.#places.delete(replica.id)
    if (stage === 'trying')
      for (const one of this.#places.values()) if (one.stage === 'tempted') one.stage = 'here'
    this.view.failed(replica.key)
    this.#fill()
  }

  /** @param {SimulatedReplica} replica who has just said how it is */
  #balance(replica) {
    const place = this.#places.get(replica.id)
    const all = [...this.#places.values()]
    if (place === undefined || all.some(({ stage }) => stage !== 'here')) return
    if (this.view.status(replica.key)?.state !== 'alive') return
    const exclude = all.filter((other) => other !== place).map((other) => other.replica.key)
    const options = { current: replica.key, exclude, random: this.world.random }
    const better = this.world.parts.pickReplica(this.view.statuses(), options)
    if (better === null || nameOf(better) === replica.id) return
    place.stage = 'tempted'
    this.#try(better)
  }

  #fill() {
    const { parts, events, random } = this.world
    while (this.#staying.length < REGISTRATIONS) {
      const exclude = [...this.#places.values()].map(({ replica }) => replica.key)
      const mayAsk = this.view
        .statuses()
        .filter(({ state }) => state !== 'failed' && (state !== 'draining' || exclude.length === 0))
      const key = parts.pickReplica(mayAsk, { exclude, random })
      if (key !== null) {
        this.#try(key)
        continue
      }
      const at = this.view.nextRetry()
      if (this.#asksForMore || at === Number.POSITIVE_INFINITY) return
      this.#asksForMore = true
      events.after(Math.max(1, at - events.now), () => {
        this.#asksForMore = false
        this.#fill()
      })
      return
    }
  }

  /** @param {Uint8Array} first */
  #try(first) {
    const { parts, events } = this.world
    const trail = new parts.RedirectTrail(this.view, first)
    const ask = (/** @type {Uint8Array} */ at, insists = false) => {
      const replica = this.world.replica(at)
      /** @type {Place} */
      const place = { replica, stage: 'trying' }
      this.#places.set(replica.id, place)
      events.after(2 * this.world.latency(), () => {
        if (!replica.alive) return events.after(ATTEMPT_MS, () => this.#leave(place))
        const answer = replica.knock(this, !insists)
        if (answer === 'full') return this.#leave(place)
        if (answer === 'served') return this.#arrived(place)
        this.#places.delete(replica.id)
        try {
          const { key } = trail.follow(answer.redirect)
          if (!this.#places.has(nameOf(key))) ask(key)
          else this.#leave(place)
        } catch (error) {
          if (!(error instanceof parts.RelayError) || error.code !== 'RELAY_REDIRECT_REFUSED') throw error
          ask(at, true)
        }
      })
    }
    ask(first)
  }

  /** @param {Place} place */
  #arrived(place) {
    const { events, outcome } = this.world
    place.stage = 'here'
    this.view.reached(place.replica.key)
    const lostAt = this.#lostAt.shift()
    if (lostAt !== undefined) outcome.gapsMs.push(events.now - lostAt)
    if (this.#staying.length < REGISTRATIONS) return
    for (const { stage, replica } of this.#places.values()) {
      if (stage !== 'moving' && stage !== 'tempted') continue
      this.#places.delete(replica.id)
      if (replica.sessions.delete(this)) outcome.moves++
    }
  }
}

/** @param {Place} place */
function isWell({ stage }) {
  return stage === 'here' || stage === 'tempted'
}

/** @param {Uint8Array} key */
function nameOf(key) {
  return Buffer.from(key).toString('hex')
}
