import { seededRandom } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as parts from '../../src/index.ts'
import { keyPair } from './records.ts'
import { simulate } from './simulation.mjs'
import { ATTEMPT_MS, MAX_LATENCY_MS } from './times.mjs'

const INTERVAL = 500
const base = { devices: 60, replicas: 4, capacity: 80, intervalMs: INTERVAL, durationMs: 45_000 }

/** Only one of the four is away at a time, and all are back at the end. */
const outages = fc
  .array(fc.record({ replica: fc.nat(3), pause: fc.integer({ min: 5000, max: 9000 }) }), {
    minLength: 1,
    maxLength: 2
  })
  .map((outages) => {
    let at = 0
    return outages.map(({ replica, pause }) => ({ at: (at += pause + 5000), replica, downMs: 4000 }))
  })

// To the third missed beat, and until that is told; the one that is asked then may redirect twice, to one that has just died too; and each attempt has up to three round trips.
const NOTICED_MS = 3.5 * INTERVAL + 2 * MAX_LATENCY_MS
const CONNECTED_MS = ATTEMPT_MS + 4 * 3 * 2 * MAX_LATENCY_MS

test('whoever loses one of its replicas is at another one soon, and can be reached meanwhile', () => {
  fc.assert(
    fc.property(outages, fc.nat(), (kills, seed) => {
      const random = seededRandom(seed).float
      const outcome = simulate(parts, { ...base, kills, drains: [] }, random, keyPair)
      expect(outcome).toMatchObject({ homeless: 0, failedRequests: 0 })
      expect(outcome.gapsMs.length).toBeGreaterThan(0)
      for (const gap of outcome.gapsMs) expect(gap).toBeLessThan(NOTICED_MS + CONNECTED_MS)
    }),
    { numRuns: 10 }
  )
})

test('a drain moves everyone, and no request fails', () => {
  fc.assert(
    fc.property(outages, fc.nat(), (outages, seed) => {
      const drains = outages.map((outage) => ({ ...outage, durationMs: 2000 }))
      const random = seededRandom(seed).float
      const outcome = simulate(parts, { ...base, kills: [], drains }, random, keyPair)
      expect(outcome.drainsMs.length).toBe(drains.length)
      expect(outcome).toMatchObject({ failedRequests: 0, gapsMs: [], homeless: 0 })
    }),
    { numRuns: 10 }
  )
})

test('sessions spread over the replicas, and do not swing between them', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seededRandom(seed).float
      const plan = { ...base, devices: 200, replicas: 8, capacity: 100, kills: [], drains: [] }
      const outcome = simulate(parts, plan, random, keyPair)
      expect(outcome.worstSpread).toBeLessThan(1.8)
      expect(outcome.moves).toBeLessThan(100)
    }),
    { numRuns: 10 }
  )
})
