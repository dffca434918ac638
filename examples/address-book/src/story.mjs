import { basename } from 'node:path'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  checkAgreement,
  checkMerge,
  editApart,
  importApart,
  killInMidWrite,
  pair,
  resolveConflict
} from './chapters.mjs'
import { contactsOf } from './card-contacts.mjs'
import { ThreeDevices } from './three-devices.mjs'
import { readCards } from './vcard.mjs'

/** @import { Tell } from './facts.ts' */

/** 540 invented contacts, made by make-contacts.mjs. */
export const SAMPLE = fileURLToPath(new URL('../contacts.vcf', import.meta.url))

/** Fewer contacts have no room for the edits of the story. */
const FEWEST = 10

/**
 * @typedef {object} StoryOptions
 * @property {string} file vCards to import
 * @property {Tell} tell called with what happens, as it happens
 * @property {AbortSignal} [signal] ends it early; nothing is left behind
 */

/**
 * Three devices, one address book: paired, filled apart, edited apart, one of them killed, and merged.
 *
 * @param {StoryOptions} options
 * @throws Error when anything is not as it should be
 */
export async function runStory({ file, tell, signal }) {
  const { files, total } = await readFiles(file, tell)
  const devices = new ThreeDevices(signal)
  try {
    await devices.start()
    tell({ type: 'started' })
    await pair(devices, tell)
    await importApart(devices, { files, total }, tell)
    const roles = await editApart(devices, tell)
    await killInMidWrite(devices, tell)
    tell({ type: 'had', summaries: await devices.summaries() })
    await devices.goOnline()
    tell({ type: 'met' })
    await checkMerge(devices, roles, tell)
    await resolveConflict(devices, roles, tell)
    await checkAgreement(devices, total + roles.added - roles.deleted, tell)
    await devices.close()
  } finally {
    await devices.destroy()
  }
}

/**
 * @param {string} file
 * @param {Tell} tell
 */
async function readFiles(file, tell) {
  const files = [file]
  let contacts = await readContacts(file, tell)
  if (contacts.size < FEWEST && file !== SAMPLE) {
    files.push(SAMPLE)
    contacts = new Map([...contacts, ...(await readContacts(SAMPLE, tell))])
  }
  return { files, total: contacts.size }
}

/**
 * @param {string} file
 * @param {Tell} tell
 */
async function readContacts(file, tell) {
  const { cards, unreadable } = readCards(await readFile(file, 'utf8'))
  const contacts = contactsOf(cards)
  tell({ type: 'read', file: basename(file), cards: cards.length, contacts: contacts.size, unreadable })
  if (contacts.size === 0)
    throw new Error(`${file} has no contact that can be read: is it a vCard 3.0 or 4.0 file?`)
  return contacts
}
