import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { Machine } from '@cloudpal/test-kit/machine'

/**
 * @typedef {import('./owner.mjs').Friend} Friend
 * @typedef {{ name: string, machine: Machine<import('./friend.mjs').Commands> }} Helper
 * @typedef {object} Outcome
 * @property {string} lost the key of the core on the machine that was destroyed
 * @property {string[]} codes what was read over the telephone, two for each friend
 * @property {Awaited<ReturnType<import('./owner.mjs').Commands['recover']>>} early with two true shares and the forged one
 * @property {Awaited<ReturnType<import('./owner.mjs').Commands['recover']>>} found with three true ones besides
 */

const NAMES = ['Ann', 'Bob', 'Cleo', 'Dan', 'Mallory']

/**
 * An owner and five friends, each a process; the owner’s machine is destroyed.
 *
 * @param {(line: string) => void} tell
 * @returns {Promise<Outcome>}
 */
export async function runStory(tell) {
  const folder = await mkdtemp(join(tmpdir(), 'social-recovery-'))
  const network = await createTestnet(3, { host: '127.0.0.1' })
  /** @type {Set<Machine<never>>} */
  const machines = new Set()
  /** @type {<C extends Record<string, unknown>>(program: string, name: string) => Machine<C>} */
  const boot = (program, name) => {
    const settings = { folder: join(folder, name), bootstrap: network.bootstrap }
    const machine = new Machine(new URL(program, import.meta.url), settings)
    machines.add(machine)
    return machine
  }
  try {
    return await chapters(folder, boot, tell)
  } finally {
    for (const machine of machines) await machine.destroy()
    await network.destroy()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/**
 * @param {string} folder of all machines, each in its own
 * @param {<C extends Record<string, unknown>>(program: string, name: string) => Machine<C>} boot
 * @param {(line: string) => void} tell
 * @returns {Promise<Outcome>}
 */
async function chapters(folder, boot, tell) {
  /** @type {Machine<import('./owner.mjs').Commands>} */
  const old = boot('owner.mjs', 'old')
  /** @type {Helper[]} */
  const helpers = NAMES.map((name) => ({ name, machine: boot('friend.mjs', name) }))
  const lost = await old.call('write', 'all that Ada has')
  const friends = await Promise.all(
    helpers.map(async ({ name, machine }) => ({ name, ...(await machine.call('contact')) }))
  )
  const sealed = await old.call('deal', friends)
  for (const [i, { name, machine }] of helpers.entries()) {
    const share = await machine.call('keep', sealed[i] ?? '')
    tell(`${name} keeps share ${share.index} of ${share.holders}; ${share.threshold} are needed`)
  }
  await old.destroy()
  await rm(join(folder, 'old'), { recursive: true })
  tell('Ada’s machine falls into the lake. Nothing of it is left.')

  const mallory = /** @type {Helper} */ (helpers.at(-1))
  await mallory.machine.call('forge')
  /** @type {Machine<import('./owner.mjs').Commands>} */
  const fresh = boot('owner.mjs', 'new')
  /** @type {string[]} */
  const codes = []
  const ask = async (/** @type {number} */ i) => {
    const [helper, friend] = /** @type {[Helper, Friend]} */ ([helpers.at(i), friends.at(i)])
    const [{ words }, label] = await Promise.all([fresh.call('ask', friend), helper.machine.call('begin')])
    const back = await helper.machine.call('approve', words)
    await fresh.call('confirm', helper.name, back)
    codes.push(words, back)
    tell(
      `${helper.name} is asked for “${label}”, types “${words}” as heard on the telephone, and reads back “${back}”`
    )
  }
  for (const i of [-1, 0, 1]) await ask(i)
  const early = await fresh.call('recover')
  const unsure = early.bad.map(({ name }) => name).join(', ')
  tell(`With these three: ${early.error}. Which of ${unsure} is true cannot be told yet.`)
  await ask(2)
  const found = await fresh.call('recover')
  tell(`With a fourth: shares ${found.used.join(', ')} bring the key back. ${blame(found.bad)}`)
  tell(`The new machine ${found.writable && found.key === lost ? 'writes the same core again' : 'FAILED'}.`)
  return { lost, codes, early, found }
}

/** @param {{ name: string | undefined, code: string, message: string }[]} bad */
function blame(bad) {
  return bad.map(({ name, message, code }) => `${name}: ${message} (${code})`).join(' ')
}
