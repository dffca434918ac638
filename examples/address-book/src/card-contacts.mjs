import { createHash } from 'node:crypto'
import { isMap, itemId, keyed, merged } from './contacts.mjs'

/**
 * @import { Contact } from './contacts.mjs'
 * @import { Property, VCardValue } from './vcard.mjs'
 */

/** Types that say nothing of where a phone or an address belongs. */
const NOISE = new Set(['pref', 'voice', 'internet', 'x-internet'])

/**
 * Contacts of a file by id. Of two cards for one contact the first decides, and the second adds what is missing.
 *
 * @param {Property[][]} cards
 * @returns {Map<string, Contact>}
 */
export function contactsOf(cards) {
  /** @type {Map<string, Contact>} */
  const contacts = new Map()
  for (const card of cards) {
    const contact = contactOf(card)
    const id = contactId(card, contact)
    const known = contacts.get(id)
    contacts.set(id, known === undefined ? contact : merged(contact, known))
  }
  return contacts
}

/**
 * @param {Property[]} card
 * @returns {Contact}
 */
function contactOf(card) {
  const name = parts(card, 'n', ['family', 'given', 'additional', 'prefix', 'suffix'])
  const organization = parts(card, 'org', ['name', 'unit'])
  const phones = items(card, 'tel')
  const emails = items(card, 'email')
  const fallback = `${name['given'] ?? ''} ${name['family'] ?? ''}`.trim() || organization['name']
  const addresses = all(card, 'adr').map((property) => {
    const address = labelled(property.values[0], [
      'box',
      'extended',
      'street',
      'locality',
      'region',
      'code',
      'country'
    ])
    return [itemId(Object.values(address).join()), { ...address, ...typeOf(property, card) }]
  })
  const categories = all(card, 'categories').flatMap(({ values }) =>
    values.map((value) => [text(value), true])
  )
  return withoutEmpty({
    fullName: first(card, 'fn') || fallback || Object.values(emails)[0]?.value || 'Unnamed',
    name,
    organization,
    nickname: first(card, 'nickname'),
    title: first(card, 'title'),
    birthday: first(card, 'bday'),
    note: first(card, 'note'),
    photo: photoOf(card),
    phones,
    emails,
    urls: items(card, 'url'),
    addresses: Object.fromEntries(addresses),
    categories: Object.fromEntries(categories)
  })
}

/**
 * A card's UID names its contact. One without is known by its name and first address.
 *
 * @param {Property[]} card
 * @param {Contact} contact
 */
function contactId(card, { fullName, emails = {}, phones = {} }) {
  const [address = ''] = [...Object.keys(emails), ...Object.keys(phones)]
  const identity = first(card, 'uid') || `${fullName}\n${address}`
  return createHash('sha256').update(identity).digest('hex').slice(0, 16)
}

/**
 * @param {Property[]} card
 * @param {string} name
 */
function items(card, name) {
  const found = all(card, name).map((property) => {
    return { value: text(property.values[0]).replace(/^(tel|mailto):/i, ''), ...typeOf(property, card) }
  })
  return keyed(...found.filter(({ value }) => value !== ''))
}

/**
 * Apple names its own types in a line of the same group: `item1.TEL`, `item1.X-ABLABEL`.
 *
 * @param {Property} property
 * @param {Property[]} card
 * @returns {{ type?: string }}
 */
function typeOf({ params }, card) {
  const group = params['group']
  const label = group && card.find((other) => other.name === 'x-ablabel' && other.params['group'] === group)
  if (label)
    return {
      type: text(label.values[0])
        .replace(/^_\$!<(.*)>!\$_$/, '$1')
        .toLowerCase()
    }
  const types = [params['type'] ?? []].flat().map((type) => type.toLowerCase())
  const type = types.find((type) => !NOISE.has(type))
  return type === undefined ? {} : { type }
}

/** @param {Property[]} card */
function photoOf(card) {
  const [photo] = all(card, 'photo')
  if (photo?.type !== 'binary') return text(photo?.values[0])
  return `data:image/${String(photo.params['type'] ?? 'jpeg').toLowerCase()};base64,${text(photo.values[0])}`
}

/**
 * @param {Property[]} card
 * @param {string} name
 */
function all(card, name) {
  return card.filter((property) => property.name === name)
}

/**
 * @param {Property[]} card
 * @param {string} name
 */
function first(card, name) {
  return text(all(card, name)[0]?.values[0])
}

/**
 * @param {Property[]} card
 * @param {string} name
 * @param {string[]} labels
 */
function parts(card, name, labels) {
  return labelled(all(card, name)[0]?.values[0] ?? '', labels)
}

/**
 * @param {VCardValue | undefined} value
 * @param {string[]} labels
 * @returns {Record<string, string>}
 */
function labelled(value, labels) {
  const list = Array.isArray(value) ? value : [value ?? '']
  return Object.fromEntries(
    labels.map((label, i) => [label, text(list[i])]).filter(([, part]) => part !== '')
  )
}

/** @param {VCardValue | undefined} value */
function text(value) {
  return value === undefined ? '' : [value].flat(2).join(', ').trim()
}

/**
 * @template {object} T
 * @param {T} contact
 */
function withoutEmpty(contact) {
  const filled = Object.entries(contact).filter(([, value]) =>
    isMap(value) ? Object.keys(value).length > 0 : value !== ''
  )
  return /** @type {T} */ (Object.fromEntries(filled))
}
