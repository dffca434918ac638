// Devices that ask their neighbours for something all the time: over a connection that stays, and every tenth time over a new one.
import crypto from 'hypercore-crypto'
import { RelayClient } from '../../dist/index.js'
import { config, fromHex, listen, say } from './process.mjs'

const EVERY_MS = 25
const TENTH = 10

/** @type {{ seeds: number[], count: number, owner: string, set: string, keepAliveMs: number }} */
const { seeds, count, owner, set, keepAliveMs } = config()
const FIRST = 100
const outcome = { answered: 0, failed: /** @type {string[]} */ ([]), longestMs: 0 }
/** @param {number} seed */
const keyPairOf = (seed) => crypto.keyPair(Buffer.alloc(32, FIRST + seed))

const devices = seeds.map((seed) => {
  const device = new RelayClient({
    keyPair: keyPairOf(seed),
    replicas: { owner: fromHex(owner), set: fromHex(set) },
    times: { keepAliveMs }
  })
  device.on('connection', (connection) => {
    connection.on('error', () => {})
    connection.on('end', () => connection.end())
    connection.on('data', (data) => connection.write(data))
  })
  return device
})
await Promise.all(devices.map((device) => device.ready()))

/**
 * @param {import('../../dist/index.js').Connection} connection
 * @returns {Promise<void>} once a byte has come back
 */
function ask(connection) {
  return new Promise((resolve, reject) => {
    const settle = (/** @type {() => void} */ then) => () => {
      connection.off('data', onanswer)
      connection.off('close', onend)
      then()
    }
    const onanswer = settle(resolve)
    const onend = settle(() => reject(failures.get(connection) ?? new Error('it was closed')))
    connection.on('data', onanswer)
    connection.on('close', onend)
    connection.write(Buffer.alloc(64))
  })
}

/** @type {WeakMap<object, Error>} */
const failures = new WeakMap()

/**
 * @param {RelayClient} device
 * @param {Uint8Array} target
 */
function connect(device, target) {
  const connection = device.connect(target)
  connection.on('error', (error) => failures.set(connection, error))
  return connection
}

/**
 * @param {RelayClient} device
 * @param {Uint8Array} target
 */
async function ply(device, target) {
  let connection = connect(device, target)
  for (let turn = 0; ; turn++) {
    const isNew = turn % TENTH === TENTH - 1
    const asked = isNew ? connect(device, target) : connection
    const before = performance.now()
    try {
      await ask(asked)
      outcome.answered++
      outcome.longestMs = Math.max(outcome.longestMs, performance.now() - before)
    } catch (error) {
      outcome.failed.push(`${isNew ? 'new' : 'standing'}: ${Error.prototype.toString.call(error)}`)
      if (!isNew) connection = connect(device, target)
    }
    if (isNew) asked.destroy()
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
  }
}

listen((word) => {
  if (word === 'go')
    for (const [i, device] of devices.entries())
      void ply(device, keyPairOf(((seeds[i] ?? 0) + 1) % count).publicKey)
  else {
    const registered = devices.map((device) => device.registeredAt.length)
    const kinds = devices.flatMap((device) => [...device.connections].map(({ path }) => path?.kind ?? 'none'))
    const places = devices.map((device) => device.registeredAt.map((key) => Buffer.from(key).toString('hex')))
    say({ ...outcome, registered, places, kinds: [...new Set(kinds)] })
  }
})
say({ ready: true })
