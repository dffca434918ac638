/** @import { KeyPair, World } from './simulation.mjs' */
/** @import { SimulatedDevice } from './simulated-device.mjs' */

const ASK_EVERY_MS = 100
const BYTES = { bytesPerSecond: 0, maxBytesPerSecond: 1 }

/** An always-on peer: beats, serves, sends on, and dies without a word. */
export class SimulatedReplica {
  alive = false
  draining = false
  /** @type {Set<SimulatedDevice>} */
  sessions = new Set()
  #life = 0

  /**
   * @param {World} world
   * @param {KeyPair} keyPair
   */
  constructor(world, keyPair) {
    this.world = world
    this.keyPair = keyPair
    this.key = keyPair.publicKey
    this.id = Buffer.from(keyPair.publicKey).toString('hex')
    this.view = this.#newView()
  }

  start() {
    const { parts, plan, set, events, random } = this.world
    this.#life++
    const life = this.#life
    this.alive = true
    this.draining = false
    this.world.lastUpset = events.now
    this.view = this.#newView()
    const options = { epoch: life, intervalMs: plan.intervalMs }
    const source = new parts.HeartbeatSource(set.owner, this.keyPair, options)
    const beat = () => {
      if (!this.alive || this.#life !== life) return
      const said = source.next({ load: this.#load(), draining: this.draining })
      for (const replica of this.world.replicas) {
        if (replica === this) this.#tell(said)
        else events.after(this.world.latency(), () => replica.#tell(said))
      }
      events.after(plan.intervalMs, beat)
    }
    events.after(random() * plan.intervalMs, beat)
  }

  /** @param {number} downMs */
  kill(downMs) {
    if (!this.alive) return
    const { events } = this.world
    this.alive = false
    this.#life++
    this.world.lastUpset = events.now
    for (const device of this.sessions) device.lost(this)
    this.sessions.clear()
    events.after(downMs, () => this.start())
  }

  /**
   * @param {number} durationMs
   * @param {number} downMs
   */
  drain(durationMs, downMs) {
    if (!this.alive || this.draining) return
    const { parts, events, outcome } = this.world
    const startedAt = events.now
    const life = this.#life
    const pace = new parts.DrainPace({ startedAt, durationMs })
    /** @type {Set<SimulatedDevice>} */
    const asked = new Set()
    this.draining = true
    const ask = () => {
      if (!this.alive || this.#life !== life) return
      if (this.sessions.size === 0) {
        outcome.drainsMs.push(events.now - startedAt)
        this.kill(downMs)
        return
      }
      const waiting = [...this.sessions].filter((device) => !asked.has(device))
      const due = pace.due(events.now, asked.size, waiting.length)
      for (const device of waiting.slice(0, due)) {
        asked.add(device)
        events.after(this.world.latency(), () => device.askedToMove(this))
      }
      events.after(ASK_EVERY_MS, ask)
    }
    ask()
  }

  /**
   * A device knocks.
   *
   * @param {SimulatedDevice} device
   * @param {boolean} mayRedirect false after the last redirect: serve, or say that there is no room
   * @returns {{ redirect: Uint8Array } | 'served' | 'full'}
   */
  knock(device, mayRedirect) {
    const { parts, random, plan } = this.world
    const options = { self: this.key, load: this.#load(), draining: this.draining, random }
    const redirect = mayRedirect ? parts.redirectTarget(this.view.statuses(), options) : null
    if (redirect !== null) return { redirect }
    if (this.sessions.size >= plan.capacity) return 'full'
    this.sessions.add(device)
    return 'served'
  }

  #load() {
    return this.world.parts.loadOf({
      sessions: this.sessions.size,
      maxSessions: this.world.plan.capacity,
      ...BYTES
    })
  }

  /** @param {import('../../src/index.ts').Heartbeat} beat */
  #tell(beat) {
    if (!this.alive) return
    this.view.hear(beat)
    for (const device of this.sessions) {
      this.world.events.after(this.world.latency(), () => device.hear(beat))
    }
  }

  #newView() {
    const { parts, events, set } = this.world
    const view = new parts.ReplicaView(set.owner, { now: () => events.now })
    view.use(set)
    return view
  }
}
