// A device that has nothing joins a filled database; then one field changes; then they are connected again with nothing to say.
// Beside it, as the subject `hypercore`: the very same blocks, replicated as plain cores.
import { entries, entry } from '../../harness/entries.mjs'
import { quiet, until } from '../subjects/connect.mjs'
import { openBees } from '../subjects/multi-bee.mjs'
import { showAll } from './converge.mjs'
import { fill } from './fill.mjs'
import { putRate } from './puts.mjs'
import { openPlain, whole } from './replicate.mjs'

/**
 * @typedef {import('../../harness/suite.mjs').StepInput} StepInput
 * @typedef {import('../subjects/database.mjs').Device} Device
 */

/** @type {Record<string, import('../../harness/suite.mjs').Size[]>} */
const subjects = { 'multi-bee': ['medium'], hypercore: ['medium'] }

/**
 * The database was written by awaited single puts, one block each.
 *
 * @type {import('../../harness/suite.mjs').Scenario}
 */
export const joinSingle = {
  module: import.meta.url,
  metrics: [
    { name: 'join', unit: 'ms', home: 'medium' },
    { name: 'wire-one-field', unit: 'B', home: 'medium' },
    { name: 'idle-reconnect', unit: 'B', home: 'medium' }
  ],
  subjects,
  // It is the writing that takes long: a minute.
  once: subjects,
  measure: async ({ subject, step }) =>
    (await step(subject === 'multi-bee' ? 'join' : 'replicate', { isBatched: false })).values
}

/**
 * In batches of 1,000: there is next to nothing to replicate, and all to merge.
 *
 * @type {import('../../harness/suite.mjs').Scenario}
 */
export const joinBatch = {
  module: import.meta.url,
  metrics: [{ name: 'join-batch', unit: 'ms', home: 'medium' }],
  subjects,
  measure: async ({ subject, step }) => {
    const { values } = await step(subject === 'multi-bee' ? 'join' : 'replicate', { isBatched: true })
    return { 'join-batch': values['join'] ?? NaN }
  }
}

export const steps = {
  /** @param {StepInput & { isBatched: boolean }} input */
  async join({ keys, dir, isBatched }) {
    const { bees, devices, connect, close } = await openBees(dir, (first) => write(first, keys, isBatched))
    const [a, b] = devices
    const started = performance.now()
    let connection = connect()
    await until(async () => bees[1].writable && (await showAll([b], [entry(keys - 1)])), devices)
    await b.flush()
    const ms = performance.now() - started
    const count = await countOf(b)
    if (count !== keys) throw new Error(`the new device shows ${count} of ${keys} entries`)

    const before = await quiet(connection)
    const changed = await change(a, keys)
    await until(() => showsChange(b, changed), devices)
    const field = (await quiet(connection)) - before

    await connection.cut()
    connection = connect()
    const idle = await quiet(connection)
    await connection.cut()
    await close()
    return { join: ms, 'wire-one-field': field, 'idle-reconnect': idle }
  },

  /** @param {StepInput & { isBatched: boolean }} input */
  async replicate({ keys, dir, isBatched }) {
    const { bees, devices, close } = await openBees(dir, (first) => write(first, keys, isBatched))
    // Only to learn how large such a block is.
    await change(devices[0], keys)
    const logs = bees.map(({ writerKey }) => /** @type {Uint8Array} */ (writerKey))
    await close()

    const plain = await openPlain(dir, logs)
    let { ms, connection } = await plain.replicate()
    const before = await quiet(connection)
    const [theirs, ours] = plain.cores.map((own) => own[0])
    if (theirs === undefined || ours === undefined) throw new Error('a store has no log')
    await theirs.append(await theirs.get(theirs.length - 1))
    await whole(ours, theirs.length)
    const field = (await quiet(connection)) - before

    await connection.cut()
    connection = (await plain.replicate()).connection
    const idle = await quiet(connection)
    await connection.cut()
    await plain.close()
    return { join: ms, 'wire-one-field': field, 'idle-reconnect': idle }
  }
}

/**
 * @param {Device} device
 * @param {number} keys
 * @param {boolean} isBatched
 */
async function write(device, keys, isBatched) {
  if (isBatched) await fill(device, keys)
  else await putRate(device, entries(keys), 1)
}

const CITY = 'changed'

/**
 * One field of one object.
 *
 * @param {Device} device
 * @param {number} keys
 */
async function change(device, keys) {
  const changed = entry(Math.floor(keys / 2))
  await device.edit(changed.key, { city: CITY })
  return changed
}

/**
 * @param {Device} device
 * @param {import('../../harness/entries.mjs').Entry} changed
 */
async function showsChange(device, changed) {
  const value = /** @type {{ city?: unknown } | null} */ (await device.get(changed))
  return value?.city === CITY
}

/** @param {Device} device */
async function countOf(device) {
  let count = 0
  for await (const _ of device.scan()) count++
  return count
}
