// What it takes to be reachable, to be refused, and to lose a relay.
import { RelayClient } from '@cloudpal/relay'
import crypto from 'hypercore-crypto'
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { Beside } from '../work/process.mjs'
import { deviceOf } from '../work/standing.mjs'

const DEVICES = 1_000
const DENIALS = 50
const FAILOVERS = 5

/** @type {import('../../harness/suite.mjs').Scenario} */
export const standing = {
  module: import.meta.url,
  metrics: [
    { name: 'idle-1000', unit: 'MB', sizes: ['small'] },
    { name: 'denial-p50', unit: 'ms', sizes: ['small'] },
    { name: 'failover-max', unit: 'ms', sizes: ['small'] }
  ],
  subjects: { relay: ['small'] },
  measure: async ({ step }) => (await step('stand')).values
}

export const steps = {
  async stand() {
    const values = {
      'idle-1000': await idle(),
      'denial-p50': await denial(),
      'failover-max': await failover()
    }
    return values
  }
}

/** Memory of the relay that 1,000 registrations add. */
async function idle() {
  const { relay, address } = await start(DEVICES, 0)
  const before = await ask(relay)
  const devices = Array.from(
    { length: DEVICES },
    (_, i) => new RelayClient({ keyPair: deviceOf(i), relays: [address] })
  )
  await Promise.all(devices.map(registered))
  const after = await ask(relay)
  if (after.registered !== DEVICES) throw new Error(`${after.registered} are registered`)
  await Promise.all(devices.map((device) => device.close()))
  relay.child.disconnect()
  return (after.rss - before.rss) / 1e6
}

/** From the call to the refusal of an unknown key. */
async function denial() {
  const { relay, address } = await start(1, 1)
  const times = []
  for (let i = 0; i < DENIALS; i++) {
    const device = new RelayClient({ keyPair: crypto.keyPair(), relays: [address] })
    times.push(
      await milliseconds(async () => {
        if (await device.connect(deviceOf(0).publicKey).opened) throw new Error('it was let in')
      })
    )
    await device.close()
  }
  relay.child.disconnect()
  return median(times)
}

/** From the moment the relay stops answering, without closing anything, to the first byte over another one. */
async function failover() {
  const times = []
  for (let i = 0; i < FAILOVERS; i++) {
    const [first, second] = [await start(2, 2), await start(2, 3)]
    const relays = [first.address, second.address]
    const a = new RelayClient({ keyPair: deviceOf(0), relays })
    const b = new RelayClient({ keyPair: deviceOf(1), relays })
    const gone = new Promise((resolve) => b.on('connection', resolve))
    await Promise.all([a.ready(), b.ready()])
    while (b.registeredAt.length !== 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const connection = a.connect(deviceOf(1).publicKey)
    await connection.opened
    const other = /** @type {import('@cloudpal/relay').Connection} */ (await gone)
    first.relay.child.kill('SIGSTOP')
    const heard = new Promise((resolve) => other.once('data', resolve))
    times.push(
      await milliseconds(async () => {
        connection.write(Buffer.from('still there?'))
        await heard
      })
    )
    if (!Buffer.from(connection.path?.relay ?? []).equals(Buffer.from(second.address.publicKey)))
      throw new Error('it did not move to the other relay')
    for (const { relay } of [first, second]) relay.child.kill('SIGKILL')
    await Promise.all([a.close(), b.close()])
  }
  return Math.max(...times)
}

/**
 * @param {number} devices
 * @param {number} number
 */
async function start(devices, number) {
  const relay = new Beside('./standing-relay.mjs', [String(devices), String(number)])
  const { port, key } = await relay.next()
  return { relay, address: { publicKey: Buffer.from(key, 'hex'), tcp: { host: '127.0.0.1', port } } }
}

/** @param {Beside} relay @returns {Promise<{ rss: number, registered: number }>} */
function ask(relay) {
  relay.tell('sample')
  return relay.next()
}

/** @param {RelayClient} device */
async function registered(device) {
  const done = new Promise((resolve) => device.once('registered', resolve))
  await device.ready()
  await done
}
