import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { Machine } from '@cloudpal/test-kit/machine'

/** @typedef {Machine<import('./device.mjs').Commands>} Device */

const DEVICE = new URL('device.mjs', import.meta.url)
/** @typedef {Awaited<ReturnType<import('./device.mjs').Commands['show']>>} Shown */
/**
 * @typedef {object} Outcome
 * @property {string} refusal what the cloud says of the stolen phone
 * @property {number} took ms from the revocation till the cloud had closed the phone’s connection
 * @property {Shown} laptop
 * @property {Shown} newPhone
 */

/**
 * A laptop, a phone and a cloud, each a process; the phone is stolen.
 *
 * @param {(line: string) => void} tell
 * @returns {Promise<Outcome>}
 */
export async function runStory(tell) {
  const folder = await mkdtemp(join(tmpdir(), 'lost-phone-'))
  const network = await createTestnet(3, { host: '127.0.0.1' })
  /** @type {Set<Device>} */
  const machines = new Set()
  /** @param {string} name @returns {Device} */
  const boot = (name) => {
    /** @type {Device} */
    const machine = new Machine(DEVICE, { folder: join(folder, name), bootstrap: network.bootstrap })
    machines.add(machine)
    return machine
  }
  try {
    return await chapters(boot, tell)
  } finally {
    for (const machine of machines) await machine.destroy()
    await network.destroy()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/**
 * @param {(name: string) => Device} boot
 * @param {(line: string) => void} tell
 * @returns {Promise<Outcome>}
 */
async function chapters(boot, tell) {
  const [laptop, phone, cloud] = [boot('laptop'), boot('phone'), boot('cloud')]
  const identity = await laptop.call('found', 'laptop')
  tell(`Ada is ${identity.slice(0, 16)}…; her laptop is the first device.`)
  for (const [name, device] of /** @type {const} */ ([
    ['phone', phone],
    ['cloud', cloud]
  ])) {
    const chain = await laptop.call('letIn', await device.call('ask', identity, name))
    await device.call('join', identity, chain)
    tell(`The ${name} is let in, with its own key.`)
  }
  tell(await laptop.call('write', 'laptop', 'milk', 'two litres'))
  tell(await phone.call('write', 'phone', 'train', '8:15'))
  await Promise.all([laptop, phone, cloud].map((device) => device.call('waitForNotes', 2)))

  tell('The phone is stolen, and goes on writing.')
  await phone.call('write', 'phone', 'train', 'no train today')
  await phone.call('write', 'phone', 'account', 'send the money here')
  await Promise.all([laptop, cloud].map((device) => device.call('waitForLog', 'phone', 3)))

  const refused = cloud.call('waitForRefusal')
  const started = performance.now()
  await laptop.call('revoke', 'phone', 1)
  const refusal = await refused
  const took = performance.now() - started
  await phone.call('waitForLoneliness')
  tell(`The laptop revokes it, and changes its keys. ${Math.round(took)} ms later the cloud: ${refusal}`)
  await phone.call('write', 'phone', 'account', 'why does nobody answer')

  const next = boot('new-phone')
  const chain = await laptop.call('letIn', await next.call('ask', identity, 'new phone'))
  await next.call('join', identity, chain)
  await next.call('write', 'new phone', 'bread', 'one')
  await Promise.all([laptop, next].map((device) => device.call('waitForNotes', 3)))
  await next.call('waitForQuarantine', 2)
  const [onLaptop, onNewPhone] = [await laptop.call('show'), await next.call('show')]
  tell(`A new phone joins: ${onNewPhone.devices.join(', ')}.`)
  tell(`The database: ${JSON.stringify(onNewPhone.notes)}`)
  for (const { log, name, text } of onNewPhone.quarantine) tell(`In quarantine, of ${log}: ${name} = ${text}`)
  return { refusal, took, laptop: onLaptop, newPhone: onNewPhone }
}
