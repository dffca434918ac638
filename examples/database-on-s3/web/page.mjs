import { HttpStore, readFromArchive } from '@cloudpal/s3-archiver/browser'
import b4a from 'b4a'
import Hyperbee from 'hyperbee'
import { ENCODINGS } from '../src/encodings.mjs'

/** @typedef {import('../src/cities.mjs').City} City */

/** @type {{ place: string, key: string, opening: Promise<import('@cloudpal/s3-archiver/browser').PortableCore> } | null} */
let current = null

/** Opens a database once: what was fetched of it serves the next lookup, too. */
function open() {
  const place = input('place')
  const key = input('key')
  if (current?.place === place && current.key === key) return current.opening
  const { origin, pathname } = new URL(place)
  const store = new HttpStore({ url: place, bucket: `${origin}/${pathname.split('/')[1]}/` })
  const opening = readFromArchive(store, { key: b4a.from(key, 'hex') })
  current = { place, key, opening }
  opening.catch(() => (current = null))
  return opening
}

/** @param {string} name */
async function lookUp(name) {
  const started = performance.now()
  const before = (await current?.opening)?.stats() ?? { requests: 0, bytesRead: 0 }
  const core = await open()
  /** @type {Hyperbee<string, City>} */
  const bee = new Hyperbee(/** @type {never} */ (core.session()), ENCODINGS)
  const range = { gte: `${name.toLowerCase()}/`, lt: `${name.toLowerCase()}0` }
  /** @type {City[]} */
  const cities = []
  for await (const { value } of bee.createReadStream(range, { limit: 100 })) cities.push(value)
  await bee.close()
  const { requests, bytesRead } = core.stats()
  const ms = performance.now() - started
  return { cities, requests: requests - before.requests, bytes: bytesRead - before.bytesRead, ms }
}

document.querySelector('#form')?.addEventListener('submit', (event) => {
  event.preventDefault()
  show('cost', ['…'])
  lookUp(input('name')).then(showAnswer, (error) => {
    show('cost', [error instanceof Error ? error.message : String(error)])
    show('cities', [])
  })
})

/** @param {Awaited<ReturnType<typeof lookUp>>} answer */
function showAnswer({ cities, requests, bytes, ms }) {
  show('cost', [`${cities.length} found: ${requests} requests, ${bytes} bytes, ${ms.toFixed(0)} ms`])
  show('cities', cities.map(describe))
}

/** @param {City} city */
function describe({ name, country, population, lat, lon }) {
  return `${name}, ${country}: ${population} people, ${lat} ${lon}`
}

/** @param {string} id */
function input(id) {
  return /** @type {HTMLInputElement} */ (document.getElementById(id)).value
}

/**
 * @param {string} id
 * @param {string[]} lines
 */
function show(id, lines) {
  const tag = id === 'cities' ? 'li' : 'span'
  const elements = lines.map((line) => Object.assign(document.createElement(tag), { textContent: line }))
  document.getElementById(id)?.replaceChildren(...elements)
}
