import { createHash } from 'node:crypto'

/**
 * A contact as it is stored. What can repeat is a map under ids that follow from the values: two devices that add different
 * phones keep both, and two that import the same card write the same.
 *
 * @typedef {object} Contact
 * @property {string} fullName
 * @property {Record<string, string>} [name] family, given, additional, prefix, suffix
 * @property {Record<string, string>} [organization] name, unit
 * @property {string} [nickname]
 * @property {string} [title]
 * @property {string} [birthday]
 * @property {string} [note]
 * @property {string} [photo] a URI; an image inside the card becomes a data: URI
 * @property {Record<string, Item>} [phones]
 * @property {Record<string, Item>} [emails]
 * @property {Record<string, Item>} [urls]
 * @property {Record<string, Record<string, string>>} [addresses]
 * @property {Record<string, true>} [categories]
 *
 * @typedef {{ value: string, type?: string }} Item
 */

/**
 * A copy of `base` with the fields of `patch` in place of its own, map by map.
 *
 * @template {object} T
 * @param {T} base
 * @param {object} patch
 * @returns {T}
 */
export function merged(base, patch) {
  /** @type {Record<string, unknown>} */
  const result = Object.fromEntries(Object.entries(base))
  for (const [field, value] of Object.entries(patch)) {
    const old = result[field]
    result[field] = isMap(value) && isMap(old) ? merged(old, value) : value
  }
  return /** @type {T} */ (result)
}

/**
 * The id of a repeated value: the same on every device that has the value.
 *
 * @param {string} value
 */
export function itemId(value) {
  return createHash('sha256')
    .update(value.toLowerCase().replace(/[\s().-]/g, ''))
    .digest('hex')
    .slice(0, 8)
}

/**
 * A map of repeated values.
 *
 * @param {Item[]} items
 * @returns {Record<string, Item>}
 */
export function keyed(...items) {
  return Object.fromEntries(items.map((item) => [itemId(item.value), item]))
}

/**
 * Whether a value is a map of fields, in a model without arrays.
 *
 * @param {unknown} value
 * @returns {value is object}
 */
export function isMap(value) {
  return typeof value === 'object' && value !== null
}
