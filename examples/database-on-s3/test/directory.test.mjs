import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStore } from '@cloudpal/s3-archiver'
import { afterAll, beforeAll, test } from 'vitest'
import { allCities } from '../src/cities.mjs'
import { publishCities } from '../src/publish.mjs'
import { answers } from './answers.mjs'

let place = ''
let key = ''
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'bucket-'))
  const published = await publishCities(new FileStore(place))
  assert(published.entries >= 100_000)
  key = published.key
})
afterAll(() => rm(place, { recursive: true, force: true }))

test('a fresh process finds a city in three requests, and knows in three that there is none', async () => {
  for (const name of ['Paris', 'Nowhereville', 'Zzz']) {
    const [answer] = await answers(place, key, name)
    assert(answer)
    assert.deepEqual(
      answer.cities,
      allCities().flatMap(({ key, value }) => (key.startsWith(`${name.toLowerCase()}/`) ? [value] : []))
    )
    assert(answer.requests <= 5, `${answer.requests} requests`)
    assert(answer.bytes < 300_000, `${answer.bytes} bytes`)
  }
  const costs = await Promise.all(
    ['Lima', 'Oslo', 'Kyiv', 'Quito', 'Accra'].map((name) => answers(place, key, name))
  )
  const [, , middle] = costs.map(([answer]) => answer?.requests ?? 0).sort((a, b) => a - b)
  assert.equal(middle, 3)
})

test('what was found once costs no request', async () => {
  const [first, again] = await answers(place, key, 'Paris', 'Paris')
  assert(first && again)
  assert.equal(again.requests, 0)
  assert.deepEqual(again.cities, first.cities)
})

test('a reader with another key finds nothing', async () => {
  await assert.rejects(
    answers(place, key.replace(/^../, key.startsWith('00') ? '01' : '00'), 'Paris'),
    /NOT_ARCHIVED/
  )
})
