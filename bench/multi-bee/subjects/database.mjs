// What the subjects have in common: one writer's database in a directory, and two devices that share one.

/**
 * @typedef {import('../../harness/entries.mjs').Entry} Entry
 *
 * @typedef {object} Database
 * @property {(entry: Entry) => Promise<unknown>} put resolves when it survives a killed process
 * @property {(entries: Entry[]) => Promise<unknown>} putBatch
 * @property {(entry: Pick<Entry, 'key' | 'index'>) => Promise<unknown>} get the value; `null` when absent
 * @property {() => AsyncIterable<{ key: string, value: unknown }>} scan
 * @property {() => Promise<void>} flush
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Sharing What a device of a pair can do besides.
 * @property {(key: string, fields: Record<string, unknown>) => Promise<unknown>} edit sets fields of an object, and leaves the others
 * @property {(listener: () => void) => () => void} onUpdate returns the way to stop it
 *
 * @typedef {Database & Sharing} Device
 *
 * @typedef {object} Pair Two devices that may both write, and are not connected.
 * @property {[Device, Device]} devices
 * @property {() => import('./connect.mjs').Connection} connect
 * @property {() => Promise<void>} close
 */

/** @type {Record<string, () => Promise<{ open: (dir: string) => Promise<Database> }>>} */
const databases = {
  'multi-bee': () => import('./multi-bee.mjs'),
  hyperbee: () => import('./hyperbee.mjs'),
  autobase: () => import('./autobase.mjs'),
  hypercore: () => import('./hypercore.mjs')
}

/** @type {Record<string, () => Promise<{ openPair: (dir: string) => Promise<Pair> }>>} */
const pairs = {
  'multi-bee': () => import('./multi-bee.mjs'),
  autobase: () => import('./autobase.mjs'),
  'autobase-defaults': async () => {
    const { openPair } = await import('./autobase.mjs')
    return { openPair: (dir) => openPair(dir, { bigBatches: false }) }
  }
}

/**
 * Loads the subject's code; the returned function opens a database, so that a clock can run around it alone.
 *
 * @param {string} subject
 */
export async function loadSubject(subject) {
  const load = databases[subject]
  if (load === undefined) throw new Error(`${subject} is no subject`)
  return (await load()).open
}

/**
 * @param {string} subject
 * @param {string} dir
 */
export async function openPair(subject, dir) {
  const load = pairs[subject]
  if (load === undefined) throw new Error(`${subject} has one writer`)
  return (await load()).openPair(dir)
}
