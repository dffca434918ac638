import ICAL from 'ical.js'

/**
 * One line of a card, as jCard (RFC 7095) has it: a value is text, or a list for one with parts (`N`, `ADR`, `ORG`).
 *
 * @typedef {{ name: string, params: Record<string, string | string[]>, type: string, values: VCardValue[] }} Property
 * @typedef {string | (string | string[])[]} VCardValue
 *
 * @typedef {{ line: number, reason: string }} Unreadable where a card begins that could not be read, and why
 */

/**
 * Reads a file of vCard 3.0 and 4.0 cards (RFC 2426, RFC 6350). Each card is parsed on its own, so that a broken one costs
 * nobody but itself.
 *
 * @param {string} text
 * @returns {{ cards: Property[][], unreadable: Unreadable[] }}
 */
export function readCards(text) {
  /** @type {Property[][]} */
  const cards = []
  /** @type {Unreadable[]} */
  const unreadable = []
  for (const { line, source } of split(text)) {
    try {
      cards.push(parse(source))
    } catch (error) {
      unreadable.push({ line, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { cards, unreadable }
}

/** @param {string} text */
function* split(text) {
  /** @type {{ line: number, source: string } | null} */
  let card = null
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    if (/^BEGIN:VCARD\s*$/i.test(line)) {
      if (card !== null) yield card
      card = { line: i + 1, source: '' }
    }
    if (card === null) continue
    card.source += `${line}\r\n`
    if (!/^END:VCARD\s*$/i.test(line)) continue
    yield card
    card = null
  }
  if (card !== null) yield card
}

/**
 * @param {string} source
 * @returns {Property[]}
 */
function parse(source) {
  const [, properties] = /** @type {[string, [string, object, string, ...VCardValue[]][]]} */ (
    ICAL.parse(source)
  )
  const card = properties.map(([name, params, type, ...values]) => {
    return { name, params: /** @type {Property['params']} */ (params), type, values: values.map(unescape) }
  })
  const version = card.find(({ name }) => name === 'version')?.values[0]
  if (version !== '3.0' && version !== '4.0') throw new Error(`version ${String(version)} is not supported`)
  return card
}

/**
 * RFC 6350, section 3.4: a semicolon may be escaped anywhere; ical.js undoes that only where semicolons separate.
 *
 * @param {VCardValue} value
 */
function unescape(value) {
  return typeof value === 'string' ? value.replaceAll('\\;', ';') : value
}
