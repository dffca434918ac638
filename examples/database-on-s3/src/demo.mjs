// Publishes the cities into a directory, and asks for some from a fresh process each: npm start [<city> …]
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { FileStore } from '@cloudpal/s3-archiver'
import { publishCities } from './publish.mjs'

const LOOK_UP = fileURLToPath(new URL('look-up.mjs', import.meta.url))
const NAMES = ['Paris', 'Springfield', 'Nowhereville', 'Zürich']

const names = process.argv.length > 2 ? process.argv.slice(2) : NAMES
const place = await mkdtemp(join(tmpdir(), 'bucket-'))
try {
  const { key, entries } = await publishCities(new FileStore(place))
  console.log(`${entries} cities archived, key ${key}\n\nEach name from a process of its own:`)
  for (const name of names) await show([key, name])
  console.log('\nAll of them from one process, and the first one again:')
  await show([key, ...names, names[0] ?? ''])
} finally {
  await rm(place, { recursive: true, force: true })
}

/** @param {string[]} args */
async function show(args) {
  const { stdout } = await promisify(execFile)(process.execPath, [LOOK_UP, place, ...args])
  for (const line of stdout.trim().split('\n')) {
    /** @type {import('./look-up.mjs').Answer} */
    const { name, cities, requests, bytes, ms } = JSON.parse(line)
    const [largest] = cities.toSorted((a, b) => b.population - a.population)
    const found = largest === undefined ? 'none' : `${cities.length}, the largest in ${largest.country}`
    const cost = `${requests} requests, ${(bytes / 1000).toFixed(0)} kB, ${ms.toFixed(0)} ms`
    console.log(`  ${name.padEnd(14)} ${found.padEnd(26)} ${cost}`)
  }
}
