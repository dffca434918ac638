/** @import { Heartbeat } from '../../src/index.ts' */
/** @import { KeyPair, World } from './simulation.mjs' */
/** @import { SimulatedDevice } from './simulated-device.mjs' */

const ASK_EVERY_MS = 100
/** As src/replicas/beat-news.ts has it. */
const NEWS = 0.1
const BYTES = { bytesPerSecond: 0, maxBytesPerSecond: 1 }

/** An always-on peer: beats, serves, sends on, and dies without a word. */
export class SimulatedReplica {
  alive = false
  draining = false
  /** @type {Set<SimulatedDevice>} */
  sessions = new Set()
  #life = 0
  /** What devices were told last of each, as src/replicas/beat-news.ts has it. @type {Map<string, Heartbeat>} */
  #news = new Map()
  /** Last beats of those that devices were told to be missing, as src/replicas/missed-beats.ts has it. @type {Set<Heartbeat>} */
  #missing = new Set()
  #watching = false

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
    this.#news.clear()
    this.#missing.clear()
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
    this.#tellAll(device)
    return 'served'
  }

  /**
   * A device pings.
   *
   * @param {SimulatedDevice} device
   * @returns {boolean} whether it is registered here
   */
  answer(device) {
    if (!this.sessions.has(device)) return false
    this.#tellAll(device)
    return true
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
    if (!this.alive || !this.view.hear(beat)) return
    this.#watch()
    const name = Buffer.from(beat.replica).toString('hex')
    const told = this.#news.get(name)
    const { epoch, draining, load } = beat
    if (told?.epoch === epoch && told.draining === draining && Math.abs(told.load - load) < NEWS) return
    this.#news.set(name, beat)
    for (const device of this.sessions) this.#say(() => device.hear(beat))
  }

  /** Says who is missing when the next one may be, and so on as long as one is alive. */
  #watch() {
    const { events } = this.world
    const at = this.view.nextDeath()
    if (this.#watching || at === Number.POSITIVE_INFINITY) return
    this.#watching = true
    events.after(at - events.now, () => {
      this.#watching = false
      if (!this.alive) return
      this.#watch()
      for (const last of this.view.missing()) {
        if (last.draining || this.#missing.has(last)) continue
        this.#missing.add(last)
        this.#news.delete(Buffer.from(last.replica).toString('hex'))
        for (const device of this.sessions) this.#say(() => device.hearMissing(last))
      }
    })
  }

  /** @param {SimulatedDevice} device */
  #tellAll(device) {
    for (const { key, state } of this.view.statuses()) {
      const beat = this.view.beat(key)
      if (beat === null || state === 'unheard') continue
      if (state !== 'dead') this.#say(() => device.hear(beat))
      else if (!beat.draining) this.#say(() => device.hearMissing(beat))
    }
  }

  /** @param {() => void} words */
  #say(words) {
    this.world.events.after(this.world.latency(), words)
  }

  #newView() {
    const { parts, events, set } = this.world
    const view = new parts.ReplicaView(set.owner, { now: () => events.now })
    view.use(set)
    return view
  }
}
