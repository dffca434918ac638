// Two devices write apart, then meet. The clock runs from the connection until both show everything and have flushed.
import { createHash } from 'node:crypto'
import { comparable, entries } from '../../harness/entries.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { until } from '../subjects/connect.mjs'
import { openPair } from '../subjects/database.mjs'

/**
 * @typedef {import('../../harness/suite.mjs').StepInput} StepInput
 * @typedef {import('../../harness/suite.mjs').Size} Size
 * @typedef {import('../../harness/entries.mjs').Entry} Entry
 * @typedef {import('../subjects/database.mjs').Device} Device
 * @typedef {import('../subjects/database.mjs').Pair} Pair
 */

const BATCH = 100

/** @type {Record<string, Size[]>} */
export const pairs = { 'multi-bee': ['small'], autobase: ['small'], 'autobase-defaults': ['small'] }

/** @type {import('../../harness/suite.mjs').Scenario} */
export const convergeSingle = {
  module: import.meta.url,
  metrics: [{ name: 'converge-single', unit: 'ms' }],
  subjects: pairs,
  // A minute and a half; several minutes with the defaults.
  once: { autobase: ['small'], 'autobase-defaults': ['small'] },
  measure: async ({ step }) => ({
    'converge-single': (await step('converge', { batch: 1 })).values['ms'] ?? NaN
  })
}

/** @type {import('../../harness/suite.mjs').Scenario} */
export const convergeBatch = {
  module: import.meta.url,
  metrics: [{ name: 'converge-batch', unit: 'ms' }],
  subjects: pairs,
  measure: async ({ step }) => ({
    'converge-batch': (await step('converge', { batch: BATCH })).values['ms'] ?? NaN
  })
}

export const steps = {
  /** @param {StepInput & { batch: number }} input */
  async converge({ subject, keys, dir, batch }) {
    const pair = await openPair(subject, dir)
    const written = [entries(keys, { device: 0 }), entries(keys, { device: 1 })]
    await writeApart(pair.devices, written, batch)
    const last = written.flatMap((list) => list.at(-1) ?? [])
    const ms = await meet(pair, () => showAll(pair.devices, last))
    await verify(pair.devices, written.flat())
    await pair.close()
    return { ms }
  }
}

/**
 * Connects two devices until a condition holds and both have flushed.
 *
 * @param {Pair} pair
 * @param {() => Promise<boolean>} isDone
 * @returns ms
 */
export async function meet({ devices, connect }, isDone) {
  const cut = { now: async () => {} }
  const ms = await milliseconds(async () => {
    cut.now = connect().cut
    await until(isDone, devices)
    for (const device of devices) await device.flush()
  })
  await cut.now()
  return ms
}

/**
 * Each device its own entries, every write awaited.
 *
 * @param {readonly Device[]} devices
 * @param {readonly Entry[][]} written
 * @param {number} batch 1: as single puts
 */
export async function writeApart(devices, written, batch) {
  for (const [i, device] of devices.entries()) {
    const list = written[i] ?? []
    for (let from = 0; from < list.length; from += batch) {
      const [first] = list.slice(from, from + batch)
      if (batch === 1 && first !== undefined) await device.put(first)
      else await device.putBatch(list.slice(from, from + batch))
    }
    await device.flush()
  }
}

/**
 * Whether each shows what both wrote last. All subjects apply a writer's blocks in order, so everything before is there too.
 *
 * @param {readonly Device[]} devices
 * @param {readonly Entry[]} last
 */
export async function showAll(devices, last) {
  for (const device of devices) for (const entry of last) if ((await device.get(entry)) === null) return false
  return true
}

/**
 * Outside of the clock: is it really all, and the same?
 *
 * @param {readonly Device[]} devices
 * @param {readonly Entry[]} written
 */
export async function verify(devices, written) {
  const wanted = digest(written.toSorted((a, b) => (a.key < b.key ? -1 : 1)))
  for (const device of devices) {
    /** @type {{ key: string, value: unknown }[]} */
    const shown = []
    for await (const { key, value } of device.scan()) shown.push({ key, value })
    if (shown.length !== written.length)
      throw new Error(`a device shows ${shown.length} of ${written.length} entries`)
    if (digest(shown) !== wanted) throw new Error('a device shows other values than were written')
  }
}

/** @param {readonly { key: string, value: unknown }[]} shown */
function digest(shown) {
  const hash = createHash('sha256')
  for (const { key, value } of shown) hash.update(key + comparable(value))
  return hash.digest('hex')
}
