import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { keyed, merged } from './contacts.mjs'
import { NAMES } from './three-devices.mjs'

/**
 * @import { Contact } from './contacts.mjs'
 * @import { DeviceName, Tell } from './facts.ts'
 * @import { ThreeDevices } from './three-devices.mjs'
 *
 * @typedef {{ id: string, contact: Contact }} Role
 * @typedef {object} Roles contacts as they were before the devices parted
 * @property {Role} shared edited by two, in different fields
 * @property {Role} disputed edited by two, in the same field
 * @property {Role} forgotten deleted by one
 * @property {number} added how many are new
 * @property {number} deleted
 */

/** Acknowledged calls after which the laptop's process is killed. */
const KILL_AFTER = 200

const ON_PHONE = { birthday: '1990-05-04', phones: keyed({ value: '+1-202-555-0111', type: 'holiday' }) }
const ON_LAPTOP = { title: 'Lighthouse keeper', phones: keyed({ value: '+1-202-555-0122', type: 'office' }) }

/**
 * The phone makes the database and invites the others, one invite each.
 *
 * @param {ThreeDevices} devices
 * @param {Tell} tell
 */
export async function pair(devices, tell) {
  const phone = devices.get('phone')
  await phone.call('open')
  await phone.call('goOnline')
  for (const name of /** @type {const} */ (['laptop', 'cloud'])) {
    const code = await phone.call('invite', name)
    await devices.get(name).call('join', code)
    tell({ type: 'paired', device: name, by: 'phone' })
  }
}

/**
 * The phone imports the first 70 %, the laptop the last 70 %, and neither knows of the other. What both import is the same, so
 * there is nothing to disagree about.
 *
 * @param {ThreeDevices} devices
 * @param {{ files: string[], total: number }} input
 * @param {Tell} tell
 */
export async function importApart(devices, { files, total }, tell) {
  await devices.goOffline()
  tell({ type: 'parted', why: 'each imports a part of the file' })
  /** @type {[DeviceName, [number, number]][]} */
  const parts = [
    ['phone', [0, 0.7]],
    ['laptop', [0.3, 1]]
  ]
  const counts = await Promise.all(
    parts.map(([name, part]) => {
      const device = devices.get(name)
      device.onEvent((_, data) => {
        tell({ type: 'progress', device: name, .../** @type {{ done: number, total: number }} */ (data) })
      })
      return device.call('importFiles', files, part)
    })
  )
  tell({ type: 'had', summaries: await devices.summaries() })

  await devices.goOnline()
  const summaries = await devices.summaries()
  const conflicts = await devices.conflicts()
  const shared = counts.reduce((sum, count) => sum + count, 0) - total
  tell({ type: 'imported', shared, conflicts: conflicts.flat().length, summaries })
  for (const name of NAMES)
    assert.equal(summaries[name].contacts, total, `${name} lacks contacts after the import`)
  assert.deepEqual(conflicts.flat(), [], 'equal imports are no conflict')
}

/**
 * @param {ThreeDevices} devices
 * @param {Tell} tell
 * @returns {Promise<Roles>}
 */
export async function editApart(devices, tell) {
  await devices.goOffline()
  tell({ type: 'parted', why: 'each edits the same and different contacts' })
  const [shared, disputed, sailor, baker, forgotten] = await chooseContacts(devices, 5)
  assert(shared && disputed && sailor && baker && forgotten)
  /** @type {(name: DeviceName, role: Role, patch: Partial<Contact>, what: string) => Promise<void>} */
  const edit = async (name, { id, contact }, patch, what) => {
    await devices.get(name).call('edit', id, patch)
    tell({ type: 'edited', device: name, contact: contact.fullName, what })
  }

  await edit('phone', shared, ON_PHONE, 'a birthday and a holiday phone')
  await edit('laptop', shared, ON_LAPTOP, 'a title and an office phone')
  await edit('phone', disputed, { note: 'Moves to the coast in May' }, 'the note')
  await edit('laptop', disputed, { note: 'Moves to the hills in June' }, 'the note, otherwise')
  await edit('phone', sailor, { categories: { sailing: true } }, 'a category')
  await edit('cloud', baker, { nickname: 'The Baker' }, 'a nickname')
  await edit('phone', newcomer('Maya Example'), { fullName: 'Maya Example' }, 'a new contact')
  await edit('laptop', newcomer('Otto Example'), { fullName: 'Otto Example' }, 'a new contact')
  await devices.get('cloud').call('remove', forgotten.id)
  tell({ type: 'edited', device: 'cloud', contact: forgotten.contact.fullName, what: 'deleted' })
  return { shared, disputed, forgotten, added: 2, deleted: 1 }
}

/**
 * The laptop logs calls as fast as it can, and its process is killed while puts are on their way. Each put that had been
 * acknowledged is there when it starts again.
 *
 * @param {ThreeDevices} devices
 * @param {Tell} tell
 */
export async function killInMidWrite(devices, tell) {
  const laptop = devices.get('laptop')
  /** @type {Set<unknown>} */
  const acknowledged = new Set()
  const enough = new Promise((resolve) => {
    laptop.onEvent((_, number) => {
      acknowledged.add(number)
      if (acknowledged.size === KILL_AFTER) resolve(true)
    })
  })
  const writing = laptop.call('logCalls')
  await Promise.race([enough, writing])
  await Promise.allSettled([laptop.kill(), writing])
  tell({ type: 'killed', device: 'laptop', acknowledged: acknowledged.size })

  const restarted = devices.boot('laptop')
  await restarted.call('open')
  const calls = new Set(await restarted.call('calls'))
  const found = [...acknowledged].filter((number) => calls.has(/** @type {number} */ (number))).length
  const more = calls.size - found
  tell({ type: 'restarted', device: 'laptop', acknowledged: acknowledged.size, found, more })
  assert.equal(found, acknowledged.size, 'an acknowledged put is lost')
}

/**
 * @param {ThreeDevices} devices
 * @param {Roles} roles
 * @param {Tell} tell
 */
export async function checkMerge(devices, { shared, forgotten }, tell) {
  const expected = merged(merged(shared.contact, ON_PHONE), ON_LAPTOP)
  for (const name of NAMES) {
    const device = devices.get(name)
    assert.deepEqual(await device.call('contact', shared.id), expected, `${name} lost an edit of one contact`)
    assert.equal(await device.call('contact', forgotten.id), null, `${name} still has a deleted contact`)
  }
  const phones = Object.values(expected.phones ?? {}).map(({ value }) => value)
  const { birthday, title, fullName } = expected
  tell({ type: 'merged', contact: fullName, what: `born ${birthday}, ${title}, phones ${phones.join(', ')}` })
  tell({ type: 'merged', contact: forgotten.contact.fullName, what: 'deleted everywhere' })
}

/**
 * The one field that two devices changed to different values. The phone's person decides for the value that is not shown.
 *
 * @param {ThreeDevices} devices
 * @param {Roles} roles
 * @param {Tell} tell
 */
export async function resolveConflict(devices, { disputed }, tell) {
  const everywhere = await devices.conflicts()
  const [conflict, ...rest] = everywhere[0] ?? []
  assert(conflict, 'two values of one field are a conflict')
  assert.deepEqual(rest, [], 'everything else merges')
  const { id, path, shown, other } = conflict
  tell({ type: 'conflict', contact: disputed.contact.fullName, field: path.join(' › '), shown, other })
  assert.deepEqual({ id, path }, { id: disputed.id, path: ['note'] })
  for (const conflicts of everywhere) assert.deepEqual(conflicts, [conflict], 'all see the same conflict')

  await devices.get('phone').call('resolve', id, path, other.value)
  await devices.settle()
  const left = (await devices.conflicts()).flat()
  tell({ type: 'resolved', device: 'phone', value: other.value, left: left.length })
  assert.deepEqual(left, [], 'a resolved conflict is gone everywhere')
  for (const name of NAMES) assert.equal((await devices.get(name).call('contact', id))?.note, other.value)
}

/**
 * @param {ThreeDevices} devices
 * @param {number} total
 * @param {Tell} tell
 */
export async function checkAgreement(devices, total, tell) {
  const { phone, laptop, cloud } = await devices.summaries()
  assert.deepEqual(laptop, phone, 'laptop and phone differ')
  assert.deepEqual(cloud, phone, 'cloud and phone differ')
  assert.equal(phone.contacts, total)
  tell({ type: 'agreed', ...phone })
}

/**
 * Some contacts from all over the address book.
 *
 * @param {ThreeDevices} devices
 * @param {number} count
 * @returns {Promise<Role[]>}
 */
async function chooseContacts(devices, count) {
  const phone = devices.get('phone')
  const ids = await phone.call('ids')
  const chosen = Array.from({ length: count }, (_, i) => ids[Math.floor((i * ids.length) / count)] ?? '')
  return Promise.all(
    chosen.map(async (id) => ({ id, contact: (await phone.call('contact', id)) ?? { fullName: 'Unnamed' } }))
  )
}

/** @param {string} fullName */
function newcomer(fullName) {
  return { id: randomUUID(), contact: { fullName } }
}
