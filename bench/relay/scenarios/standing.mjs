// What it takes to be reachable, to be refused, and to be slow.
import { RelayClient } from '@cloudpal/relay'
import crypto from 'hypercore-crypto'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { freeze } from '../work/freeze.mjs'
import { greedySender } from '../work/greedy-sender.mjs'
import { inTime } from '../work/in-time.mjs'
import { Beside } from '../work/process.mjs'
import { startRelay } from '../work/relays.mjs'
import { deviceOf, STALLED } from '../work/standing.mjs'
import { until } from '../work/until.mjs'

/** Those that come before fill what a relay keeps in reserve, and are not counted. */
const FIRST_DEVICES = 100
const DEVICES = 1_000
const DENIALS = 50
const MEBIBYTE = 1024 * 1024

/** @type {import('../../harness/suite.mjs').Scenario} */
export const standing = {
  module: import.meta.url,
  metrics: [
    { name: 'idle-1000', unit: 'MB', sizes: ['small'] },
    { name: 'idle-1000-held', unit: 'MB', sizes: ['small'] },
    { name: 'denial-max', unit: 'ms', sizes: ['small'] },
    { name: 'stalled-tcp', unit: 'MiB', sizes: ['small'] },
    { name: 'stalled-ws', unit: 'MiB', sizes: ['small'] }
  ],
  subjects: { relay: ['small'] },
  measure: async ({ step, wants }) => ({
    ...(wants('idle-1000', 'idle-1000-held') && (await step('idle')).values),
    ...(wants('denial-max') && (await step('denial')).values),
    ...(wants('stalled-tcp') && (await step('stalledTcp')).values),
    ...(wants('stalled-ws') && (await step('stalledWs')).values)
  })
}

export const steps = {
  /** Memory of the relay that 1,000 registrations add to the first hundred. */
  async idle() {
    const { relay, state, address } = await startRelay(FIRST_DEVICES + DEVICES, 0)
    const devices = Array.from(
      { length: FIRST_DEVICES + DEVICES },
      (_, i) => new RelayClient({ keyPair: deviceOf(i), relays: [address] })
    )
    await Promise.all(devices.slice(0, FIRST_DEVICES).map(registered))
    const before = await state()
    await Promise.all(devices.slice(FIRST_DEVICES).map(registered))
    const after = await state()
    if (after.registered !== devices.length) throw new Error(`${after.registered} are registered`)
    await Promise.all(devices.map((device) => device.close()))
    relay.child.disconnect()
    return { 'idle-1000': (after.rss - before.rss) / 1e6, 'idle-1000-held': (after.held - before.held) / 1e6 }
  },
  /** From the call to the refusal of an unknown key: the longest. */
  async denial() {
    const { relay, address } = await startRelay(1, 0)
    const times = []
    for (let i = 0; i < DENIALS; i++) {
      const device = new RelayClient({ keyPair: crypto.keyPair(), relays: [address] })
      times.push(
        await milliseconds(async () => {
          const connection = device.connect(deviceOf(0).publicKey)
          const refused = new Promise((resolve) => connection.once('error', resolve))
          if (await inTime(connection.opened, 'denial: no answer')) throw new Error('it was let in')
          const { code } = await inTime(refused, 'denial: no error')
          if (code !== 'RELAY_DENIED') throw new Error(`denial: ${code}`)
        })
      )
      await device.close()
    }
    relay.child.disconnect()
    return { 'denial-max': Math.max(...times) }
  },
  stalledTcp: async () => ({ 'stalled-tcp': await stalled('address') }),
  stalledWs: async () => ({ 'stalled-ws': await stalled('ws') })
}

/**
 * What the relay holds for each device that is connected and does not read: its process is frozen, and others send to it all that goes into their sockets.
 *
 * @param {'address' | 'ws'} at how all reach the relay
 */
async function stalled(at) {
  const relay = await startRelay(2 * STALLED, 0)
  const readers = new Beside('./stalled-devices.mjs', [JSON.stringify(relay[at])])
  await readers.next()
  const joined = Array.from({ length: STALLED }, (_, i) =>
    greedySender(relay[at], deviceOf(STALLED + i), deviceOf(i).publicKey)
  )
  const senders = await Promise.all(joined)
  const before = await relay.state()
  await freeze(readers.child)
  for (const send of senders) send()
  let last = -1
  const steady = async () => {
    const { heldBytes } = await relay.state()
    const isSteady = heldBytes > 0 && heldBytes === last
    last = heldBytes
    return isSteady
  }
  await until(steady, 'stalled: the relay takes more and more', 200)
  const after = await relay.state()
  if (after.sessions !== STALLED) throw new Error(`${after.sessions} sessions are left`)
  for (const { child } of [readers, relay.relay]) child.kill('SIGKILL')
  return (after.held - before.held) / STALLED / MEBIBYTE
}

/** @param {RelayClient} device */
async function registered(device) {
  const done = new Promise((resolve) => device.once('registered', resolve))
  await device.ready()
  await inTime(done, 'a device is not registered')
}
