// Many devices and a few replicas of one owner, in simulated time. Replicas are killed without a word, come back, or are drained for maintenance;
// devices know nothing but what replicas tell them, redirects, and whether a connection comes about.
import { Events } from './events.mjs'
import { SimulatedDevice } from './simulated-device.mjs'
import { SimulatedReplica } from './simulated-replica.mjs'
import { MAX_LATENCY_MS } from './times.mjs'

/**
 * @typedef {Pick<typeof import('../../src/index.ts'), 'DrainPace' | 'HeartbeatSource' | 'loadOf' | 'pickReplica' | 'redirectTarget' | 'RedirectTrail'
 *   | 'RelayError' | 'ReplicaSet' | 'ReplicaView'>} Parts What is simulated.
 *
 * @typedef {{ publicKey: Uint8Array, secretKey: Uint8Array }} KeyPair
 *
 * @typedef {object} Plan
 * @property {number} devices
 * @property {number} replicas
 * @property {number} capacity sessions that a replica can bear
 * @property {number} intervalMs between beats
 * @property {number} durationMs
 * @property {{ at: number, replica: number, downMs: number }[]} kills
 * @property {{ at: number, replica: number, durationMs: number, downMs: number }[]} drains
 *
 * @typedef {object} Outcome
 * @property {number[]} gapsMs how long each device that lost one of its two replicas had no other one, in no order
 * @property {number} requests
 * @property {number} failedRequests where none of its replicas was alive
 * @property {number} moves from one live replica to another
 * @property {number[]} drainsMs from the beginning of a drain until nobody was left
 * @property {number[]} sessions at the end, of each replica
 * @property {number} worstSpread highest of sessions by mean of the live ones, from five seconds after a kill or start of one to the next
 * @property {number} homeless devices without a live replica at the end
 */

const SAMPLE_MS = 500
const SETTLING_MS = 5000

/** All that the simulated share. */
export class World {
  events = new Events()
  /** @type {SimulatedReplica[]} */
  replicas = []
  /** @type {Outcome} */
  outcome = {
    gapsMs: [],
    requests: 0,
    failedRequests: 0,
    moves: 0,
    drainsMs: [],
    sessions: [],
    worstSpread: 0,
    homeless: 0
  }
  lastUpset = 0

  /**
   * @param {Parts} parts
   * @param {Plan} plan
   * @param {() => number} random
   * @param {(n: number) => KeyPair} keyPair
   */
  constructor(parts, plan, random, keyPair) {
    this.parts = parts
    this.plan = plan
    this.random = random
    const owner = keyPair(0)
    const keys = Array.from({ length: plan.replicas }, (_, i) => keyPair(i + 1))
    const members = keys.map(({ publicKey }) => ({ key: publicKey, addresses: [] }))
    this.set = parts.ReplicaSet.sign(members, 1, owner)
    this.replicas = keys.map((pair) => new SimulatedReplica(this, pair))
  }

  latency() {
    return 5 + this.random() * (MAX_LATENCY_MS - 5)
  }

  /** @param {Uint8Array} key */
  replica(key) {
    const found = this.replicas.find(({ id }) => id === Buffer.from(key).toString('hex'))
    if (found === undefined) throw new Error('a device asked for a replica that is not there')
    return found
  }
}

/**
 * @param {Parts} parts
 * @param {Plan} plan
 * @param {() => number} random
 * @param {(n: number) => KeyPair} keyPair of a number
 * @returns {Outcome}
 */
export function simulate(parts, plan, random, keyPair) {
  const world = new World(parts, plan, random, keyPair)
  const { events, replicas, outcome } = world
  for (const replica of replicas) replica.start()
  const devices = Array.from({ length: plan.devices }, () => new SimulatedDevice(world))
  for (const device of devices) events.after(random() * 2000, () => device.begin())
  for (const { at, replica, downMs } of plan.kills) {
    events.after(at, () => replicas[replica]?.kill(downMs))
  }
  for (const { at, replica, durationMs, downMs } of plan.drains) {
    events.after(at, () => replicas[replica]?.drain(durationMs, downMs))
  }
  const sample = () => {
    const live = replicas
      .filter(({ alive, draining }) => alive && !draining)
      .map(({ sessions }) => sessions.size)
    const mean = live.reduce((sum, size) => sum + size, 0) / live.length
    const settled = events.now - world.lastUpset > SETTLING_MS
    if (settled && mean > 0) outcome.worstSpread = Math.max(outcome.worstSpread, Math.max(...live) / mean)
    events.after(SAMPLE_MS, sample)
  }
  sample()
  events.runUntil(plan.durationMs)
  outcome.sessions = replicas.map(({ alive, sessions }) => (alive ? sessions.size : 0))
  outcome.homeless = devices.filter((device) => !device.served).length
  return outcome
}
