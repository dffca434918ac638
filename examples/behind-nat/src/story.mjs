import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import HyperDHT from 'hyperdht'
import { Machine } from '@cloudpal/test-kit/machine'
import { toHex } from '@cloudpal/test-kit/serve'

/** @typedef {Machine<import('./device.mjs').Commands>} Device */
/** @typedef {Machine<import('./home.mjs').Commands>} Home */

/**
 * A machine in a network namespace.
 *
 * @param {string} namespace
 * @param {string} program beside this file
 * @param {object} settings
 * @param {(line: string) => void} tell
 * @returns {Machine<any>}
 */
function machineIn(namespace, program, settings, tell) {
  const within = ['ip', 'netns', 'exec', namespace]
  return new Machine(new URL(program, import.meta.url), settings, { within, tell })
}
/** @typedef {Awaited<ReturnType<import('./home.mjs').Commands['usage']>>} Usage */
/**
 * @typedef {object} Outcome
 * @property {Usage} relayed after the devices had met through the relay
 * @property {Usage} upgraded as soon as they were connected directly
 * @property {Usage} end after more was written than the relay had ever carried
 * @property {Record<string, number>} laptop what is in the database there: characters of each entry
 * @property {Record<string, number>} phone
 */

const NAT = fileURLToPath(new URL('../../../packages/relay/test/namespaces/nat.sh', import.meta.url))
const PUBLIC = '198.51.100.1'
const [LAPTOP, PHONE] = [1, 2]
const PHOTO = 'x'.repeat(200_000)

/**
 * Two devices behind symmetric NATs meet through a relay; then the router of one is replaced by a friendlier one.
 *
 * @param {(line: string) => void} tell
 * @returns {Promise<Outcome>}
 */
export async function runStory(tell) {
  const folder = await mkdtemp(join(tmpdir(), 'behind-nat-'))
  const devices = [LAPTOP, PHONE].map(keyOf)
  /** @type {Home} */
  const home = machineIn('pub', 'home.mjs', { host: PUBLIC, devices }, tell)
  /** @type {Machine<any>[]} */
  const machines = [home]
  try {
    const network = await home.call('addresses')
    const [laptop, phone] = /** @type {const} */ ([
      ['laptop', 'b', LAPTOP],
      ['phone', 'a', PHONE]
    ]).map(([name, namespace, seed]) => {
      const settings = { name, folder: join(folder, name), seed, network }
      /** @type {Device} */
      const machine = machineIn(namespace, 'device.mjs', settings, tell)
      machines.push(machine)
      return machine
    })
    if (laptop === undefined || phone === undefined) throw new Error('there are two')
    return await chapters(home, laptop, phone, tell)
  } finally {
    for (const machine of machines) await machine.destroy()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/**
 * @param {Home} home
 * @param {Device} laptop
 * @param {Device} phone
 * @param {(line: string) => void} tell
 * @returns {Promise<Outcome>}
 */
async function chapters(home, laptop, phone, tell) {
  tell(
    'A laptop and a phone, each behind a NAT that gives every destination another port: no hole can be punched.'
  )
  await laptop.call('register')
  await phone.call('register')
  tell('Both have registered at their own relay, which is on the public side.')
  const keys = await laptop.call('create')
  await laptop.call('letIn', await phone.call('open', keys), 'phone')
  await laptop.call('write', 'milk', 'two litres')

  tell('The phone connects to the laptop:')
  await phone.call('connect', keyOf(LAPTOP))
  await phone.call('waitFor', 'milk')
  await phone.call('write', 'train', '8:15')
  await laptop.call('waitFor', 'train')
  const relayed = await home.call('usage')
  tell(`They have one database. The relay has passed on ${relayed.bytes} bytes, and could read none of them.`)

  tell('The phone moves to a network whose NAT gives one port to all destinations.')
  const started = performance.now()
  execFileSync(NAT, ['natA', 'friendly'])
  await phone.call('waitForPath', 'udp')
  await laptop.call('waitForPath', 'udp')
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const upgraded = await usageWhenLeft(home)
  tell(`They have left the relay after ${seconds} s.`)
  await phone.call('write', 'photo', PHOTO)
  await laptop.call('waitFor', 'photo')
  await laptop.call('write', 'bread', 'one')
  await phone.call('waitFor', 'bread')
  const end = await home.call('usage')
  tell(
    `A photo of ${PHOTO.length} bytes went over: the relay has passed on ${end.bytes - upgraded.bytes} bytes meanwhile.`
  )
  return { relayed, upgraded, end, laptop: await laptop.call('sizes'), phone: await phone.call('sizes') }
}

/** The devices say goodbye there when the last byte has arrived another way. @param {Home} home */
async function usageWhenLeft(home) {
  for (;;) {
    const usage = await home.call('usage')
    if (usage.sessions === 0) return usage
  }
}

/** @param {number} seed */
function keyOf(seed) {
  return toHex(HyperDHT.keyPair(Buffer.alloc(32, seed)).publicKey)
}
