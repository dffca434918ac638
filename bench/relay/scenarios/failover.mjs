// The relay that carries a connection is stopped without a word: until a byte arrives through another.
import { RelayClient } from '@cloudpal/relay'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { freeze } from '../work/freeze.mjs'
import { inTime } from '../work/in-time.mjs'
import { startRelay } from '../work/relays.mjs'
import { silentAddresses } from '../work/silence.mjs'
import { deviceOf } from '../work/standing.mjs'
import { until } from '../work/until.mjs'

const TIMES = 5
const IDLE_MS = 120_000
/** How often an idle path is asked whether it is there: the connections begin spread over it, so that one of them was asked just now. */
const IDLE_PROBE_MS = 15_000
const DEAD_ADDRESSES = 3

/** @typedef {import('@cloudpal/relay').Connection} Connection */
/** @typedef {Awaited<ReturnType<typeof startRelay>>} Relay */

/** @type {import('../../harness/suite.mjs').Scenario} */
export const failover = {
  module: import.meta.url,
  metrics: [
    { name: 'failover-max', unit: 'ms', sizes: ['small'] },
    { name: 'failover-dead-addresses-max', unit: 'ms', sizes: ['small'] }
  ],
  subjects: { relay: ['small'] },
  measure: async ({ step, wants }) => ({
    ...(wants('failover-max') && (await step('busy')).values),
    ...(wants('failover-dead-addresses-max') && (await step('deadAddresses')).values)
  })
}

/** Two minutes of silence in each. @type {import('../../harness/suite.mjs').Scenario} */
export const idleFailover = {
  module: import.meta.url,
  metrics: [{ name: 'failover-idle-max', unit: 'ms', sizes: ['small'] }],
  subjects: { relay: ['small'] },
  once: { relay: ['small'] },
  measure: async ({ step }) => (await step('idle')).values
}

export const steps = {
  async busy() {
    return { 'failover-max': await inTurn([]) }
  },
  async deadAddresses() {
    return { 'failover-dead-addresses-max': await inTurn(await silentAddresses(DEAD_ADDRESSES)) }
  },
  /** All lose the relay at once, and the device writes that was reached. */
  async idle() {
    const [first, second] = [await startRelay(2 * TIMES, 0), await startRelay(2 * TIMES, 1)]
    const pairs = []
    for (let i = 0; i < TIMES; i++) {
      pairs.push(await join(i, first, second, []))
      await new Promise((resolve) => setTimeout(resolve, IDLE_PROBE_MS / TIMES))
    }
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    await freeze(first.relay.child)
    const times = await Promise.all(pairs.map((pair) => arrival(pair.there, pair.here)))
    for (const { here } of pairs) checkMoved(here, second)
    return { 'failover-idle-max': Math.max(...times) }
  }
}

/** The longest; the device writes that has dialled. @param {readonly string[]} addresses */
async function inTurn(addresses) {
  const times = []
  for (let i = 0; i < TIMES; i++) {
    const [first, second] = [await startRelay(2, 0), await startRelay(2, 1)]
    const { here, there, close } = await join(0, first, second, addresses)
    await freeze(first.relay.child)
    times.push(await arrival(here, there))
    checkMoved(here, second)
    for (const { relay } of [first, second]) relay.child.kill('SIGKILL')
    await close()
  }
  return Math.max(...times)
}

/**
 * Two devices that know both relays, and are connected through the first.
 *
 * @param {number} pair
 * @param {Relay} first
 * @param {Relay} second
 * @param {readonly string[]} addresses that lead nowhere
 */
async function join(pair, first, second, addresses) {
  const relays = [first.address, second.address]
  const [a, b] = [deviceOf(2 * pair), deviceOf(2 * pair + 1)].map(
    (keyPair) => new RelayClient({ keyPair, relays })
  )
  if (a === undefined || b === undefined) throw new Error('two devices')
  /** @type {Promise<Connection>} */
  const incoming = new Promise((resolve) => b.on('connection', resolve))
  await Promise.all([a.ready(), b.ready()])
  await until(() => b.registeredAt.length === 2, 'failover: not registered')
  const here = a.connect(b.publicKey, { addresses })
  if (!(await inTime(here.opened, 'failover: no connection'))) throw new Error('failover: not connected')
  const there = await inTime(incoming, 'failover: nobody was reached')
  if (!isAt(here, first)) throw new Error('failover: it is not at the first relay')
  return { here, there, close: () => Promise.all([a.close(), b.close()]) }
}

/** @param {Connection} from @param {Connection} to */
function arrival(from, to) {
  return milliseconds(async () => {
    const heard = new Promise((resolve) => to.once('data', resolve))
    from.write(Buffer.from('still there?'))
    await inTime(heard, 'failover: nothing arrives', 60_000)
  })
}

/** @param {Connection} connection @param {Relay} relay */
function isAt(connection, { address }) {
  return Buffer.from(connection.path?.relay ?? []).equals(address.publicKey)
}

/** @param {Connection} connection @param {Relay} relay */
function checkMoved(connection, relay) {
  if (!isAt(connection, relay)) throw new Error('failover: it did not move to the other relay')
}
