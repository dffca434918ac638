// Until a connection is open: over each way alone, over the best of all of them, and where only the relay is left.
import { RelayClient } from '@cloudpal/relay'
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { HOST, node, testnet } from '../ways/way.mjs'
import { inTime } from '../work/in-time.mjs'
import { Beside } from '../work/process.mjs'
import { startRelay } from '../work/relays.mjs'
import { silentAddresses, silentUdp } from '../work/silence.mjs'
import { deviceOf } from '../work/standing.mjs'

const OPENS = 30

/** @type {import('../../harness/suite.mjs').Scenario} */
export const race = {
  module: import.meta.url,
  metrics: [
    { name: 'race-udp', unit: 'ms', sizes: ['small'] },
    { name: 'race-tcp', unit: 'ms', sizes: ['small'] },
    { name: 'race-relay', unit: 'ms', sizes: ['small'] },
    { name: 'race-all', unit: 'ms', sizes: ['small'] },
    { name: 'race-over-best', unit: 'ms', sizes: ['small'] },
    { name: 'race-blocked', unit: 'ms', sizes: ['small'] },
    { name: 'race-blocked-over-relay', unit: 'ms', sizes: ['small'] }
  ],
  subjects: { relay: ['small'] },
  measure: async ({ step }) => (await step('race')).values
}

export const steps = {
  async race() {
    const { address } = await startRelay(2, 0)
    const { bootstrap } = await testnet()
    const told = {
      bootstrap,
      address: { ...address, publicKey: Buffer.from(address.publicKey).toString('hex') }
    }
    const reached = new Beside('./reached-device.mjs', [JSON.stringify(told)])
    const { port } = await reached.next()
    const addresses = [`${HOST}:${port}`]
    const relays = [address]
    const dht = node({ bootstrap }, deviceOf(0))
    const blockedDht = node({ bootstrap: [await silentUdp()] }, deviceOf(0))
    await inTime(dht.fullyBootstrapped(), 'race: no DHT')
    const udp = await opens('race-udp', { dht }, [], 'udp')
    const tcp = await opens('race-tcp', {}, addresses, 'tcp')
    const relay = await opens('race-relay', { relays }, [], 'relay')
    const all = await opens('race-all', { dht, relays }, addresses, null)
    const blocked = await opens(
      'race-blocked',
      { dht: blockedDht, relays },
      await silentAddresses(1),
      'relay'
    )
    return {
      'race-udp': udp,
      'race-tcp': tcp,
      'race-relay': relay,
      'race-all': all,
      'race-over-best': all - Math.min(udp, tcp, relay),
      'race-blocked': blocked,
      'race-blocked-over-relay': blocked - relay
    }
  }
}

/**
 * Median of so many, one after the other.
 *
 * @param {string} what
 * @param {{ dht?: object, relays?: import('@cloudpal/relay').RelayAddress[] }} options
 * @param {string[]} addresses
 * @param {'udp' | 'tcp' | 'relay' | null} kind of the path it has to take
 */
async function opens(what, options, addresses, kind) {
  const client = new RelayClient({ keyPair: deviceOf(0), ...options })
  // Listening in the DHT is not what is measured, and does not work where UDP is blocked.
  const ready = client.ready()
  if (what !== 'race-blocked') await inTime(ready, `${what}: not ready`)
  const times = []
  for (let i = 0; i < OPENS; i++) {
    const connection = client.connect(deviceOf(1).publicKey, { addresses })
    times.push(
      await milliseconds(async () => {
        if (!(await inTime(connection.opened, `${what}: no connection`))) throw new Error(`${what}: refused`)
      })
    )
    if (kind !== null && connection.path?.kind !== kind)
      throw new Error(`${what}: it went over ${connection.path?.kind}`)
    const closed = new Promise((resolve) => connection.once('close', () => resolve(null)))
    connection.destroy()
    await closed
  }
  if (what !== 'race-blocked') await client.close()
  return median(times)
}
