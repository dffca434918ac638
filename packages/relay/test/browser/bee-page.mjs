// Bundled and run in a browser by browser.test.ts: a real Hypercore and Hyperbee, whose blocks stay in memory.
import b4a from 'b4a'
import Hyperbee from 'hyperbee'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
// @ts-expect-error -- it has no types, and nothing else here needs them
import CorestoreStorage from 'hypercore-storage'
import { RelayClient } from '../../src/index.ts'
import MemoryRocks from './memory-rocks.mjs'

/** @typedef {{ seed: string, target: string, relay: string, ws: string, key: string, wanted: string[] }} Task */

/**
 * Reads entries of a database of another device.
 *
 * @param {Task} task
 */
async function readBee({ seed, target, relay, ws, key, wanted }) {
  const keyPair = crypto.keyPair(b4a.from(seed, 'hex'))
  const client = new RelayClient({ keyPair, relays: [{ publicKey: b4a.from(relay, 'hex'), ws }] })
  await client.ready()
  const storage = new CorestoreStorage(new MemoryRocks())
  const core = new Hypercore(storage, b4a.from(key, 'hex'))
  await core.ready()
  const connection = client.connect(b4a.from(target, 'hex'))
  core.replicate(/** @type {never} */ (connection))
  await connection.opened
  await core.update({ wait: true })
  /** @type {Hyperbee<string, object>} */
  const bee = new Hyperbee(core, { keyEncoding: 'utf-8', valueEncoding: 'json' })
  const values = []
  for (const name of wanted) values.push((await bee.get(name))?.value ?? null)
  const { path } = connection
  const { contiguousLength, length } = core
  await client.close()
  return { values, kind: path?.kind, transport: path?.transport, length, isSparse: contiguousLength < length }
}

// Hypercore asks for it, and a browser has none.
const setImmediate = (/** @type {() => void} */ fn) => setTimeout(fn, 0)
Object.assign(globalThis, { readBee, setImmediate })
