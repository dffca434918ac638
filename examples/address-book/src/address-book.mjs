import { createHash } from 'node:crypto'
import { merged } from './contacts.mjs'

/**
 * @import { MultiBee } from '@cloudpal/multi-bee'
 * @import { Contact } from './contacts.mjs'
 * @import { Disagreement } from './facts.ts'
 */

/** Contacts in one transaction of an import. */
const BATCH = 100
/** Calls written at once, each awaiting its own put. */
const CALLS_IN_FLIGHT = 16

/**
 * What the app does with the database. Nothing here knows of a network, or of other devices: each method works offline.
 */
export class AddressBook {
  /** @param {MultiBee<string, Contact>} db borrowed */
  constructor(db) {
    this.db = db
  }

  /**
   * Adds the contacts of a file to those that are here.
   *
   * @param {[id: string, contact: Contact][]} contacts
   * @param {(done: number) => void} onProgress
   */
  async import(contacts, onProgress) {
    for (let done = 0; done < contacts.length; done += BATCH) {
      const batch = this.db.batch()
      for (const [id, contact] of contacts.slice(done, done + BATCH)) {
        const known = await batch.get(contactKey(id))
        await batch.put(contactKey(id), known === null ? contact : merged(known.value, contact))
      }
      await batch.flush()
      onProgress(Math.min(done + BATCH, contacts.length))
    }
  }

  async ids() {
    const ids = []
    for await (const { key } of this.db.createReadStream(range('contacts'))) ids.push(idOf(key))
    return ids
  }

  /** @param {string} id */
  async contact(id) {
    return (await this.db.get(contactKey(id)))?.value ?? null
  }

  /**
   * Only the fields that differ are written, so another device's edit of other fields lives.
   *
   * @param {string} id
   * @param {Partial<Contact>} patch
   */
  async edit(id, patch) {
    await this.db.update(contactKey(id), (contact) => merged(contact ?? { fullName: 'Unnamed' }, patch))
  }

  /** @param {string} id */
  async remove(id) {
    await this.db.del(contactKey(id))
  }

  /**
   * Every field on which devices disagree, with who wrote what is shown and who wrote what is not.
   *
   * @returns {Promise<Disagreement[]>}
   */
  async conflicts() {
    const found = []
    for await (const { key } of this.db.createReadStream(range('contacts'))) {
      for (const { path, shown, ...other } of await this.db.conflicts(key)) {
        found.push({ id: idOf(key), path, shown, other })
      }
    }
    return found
  }

  /**
   * @param {string} id
   * @param {string[]} path
   * @param {unknown} value
   */
  async resolve(id, path, value) {
    await this.db.resolve(contactKey(id), path, value)
  }

  /**
   * Logs calls without end, as a device that is busy when its battery falls out.
   *
   * @param {(number: number) => void} onAcknowledged the call is in the database, whatever happens now
   */
  async logCalls(onAcknowledged) {
    let next = 0
    const line = async () => {
      for (;;) {
        const number = next++
        await this.db.put(callKey(number), /** @type {never} */ ({ number, seconds: number % 600 }))
        onAcknowledged(number)
      }
    }
    await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, line))
  }

  /** Numbers of the calls that are here. */
  async calls() {
    const numbers = []
    for await (const { value } of this.db.createReadStream(range('calls'))) {
      numbers.push(/** @type {{ number: number }} */ (/** @type {unknown} */ (value)).number)
    }
    return numbers
  }

  /** How much is here, and a hash of all of it: equal on two devices that show the same. */
  async summary() {
    const hash = createHash('sha256')
    const counts = { contacts: 0, calls: 0 }
    for await (const { key, value } of this.db.createReadStream()) {
      hash.update(`${key}\n${JSON.stringify(value)}\n`)
      counts[key.startsWith('calls/') ? 'calls' : 'contacts']++
    }
    return { ...counts, hash: hash.digest('hex') }
  }
}

/** @param {string} id */
function contactKey(id) {
  return `contacts/${id}`
}

/** @param {string} key */
function idOf(key) {
  return key.slice('contacts/'.length)
}

/** @param {number} number */
function callKey(number) {
  return `calls/${String(number).padStart(8, '0')}`
}

/** @param {string} prefix */
function range(prefix) {
  return { gt: `${prefix}/`, lt: `${prefix}0` }
}
