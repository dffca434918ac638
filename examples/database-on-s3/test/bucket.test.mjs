import assert from 'node:assert/strict'
import { S3Store } from '@cloudpal/s3-archiver/s3'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { servePage } from '../src/page-server.mjs'
import { makePublicBucket } from '../src/public-bucket.mjs'
import { publishCities } from '../src/publish.mjs'
import { answers } from './answers.mjs'
import { CREDENTIALS, isInstalled, startCeph } from './ceph.mjs'

const BROWSER = '/usr/bin/chromium'

describe.skipIf(!isInstalled('radosgw', 'chromium'))('a public bucket', () => {
  /** @type {{ endpoint: string, stop: () => Promise<void> }} */
  let ceph
  let key = ''
  let place = ''

  beforeAll(async () => {
    ceph = await startCeph()
    const { endpoint } = ceph
    await makePublicBucket('cities', { endpoint, credentials: CREDENTIALS })
    const store = new S3Store({ bucket: 'cities', prefix: 'v1', endpoint, credentials: CREDENTIALS })
    key = (await publishCities(store)).key
    store.close()
    place = `${endpoint}/cities/v1`
  })
  afterAll(() => ceph?.stop())

  test('is read by a process without credentials', async () => {
    const [answer] = await answers(place, key, 'Paris')
    assert(answer)
    assert.equal(answer.cities.length, 10)
    assert(answer.requests <= 3, `${answer.requests} requests`)
    assert(answer.bytes < 300_000)
  })

  test('is read by a web page, by ranges; and a change in the bucket does not get past the page', async () => {
    const { server, url } = await servePage(0)
    const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'], timeout: 0 })
    try {
      const page = await browser.newPage()
      page.setDefaultTimeout(0)
      /** @type {string[]} */
      const asked = []
      page.on('request', (request) => {
        if (request.url().startsWith(ceph.endpoint))
          asked.push(`${request.method()} ${request.headers()['range'] ?? ''}`)
      })
      /** @type {Error[]} */
      const errors = []
      page.on('pageerror', (error) => errors.push(error))
      await page.goto(url)
      await page.fill('#place', place)
      await page.fill('#key', key)
      await lookUp(page, 'Paris')
      assert.match(await textOf(page, '#cost'), /^10 found: 3 requests, \d{6} bytes/)
      assert.match(await textOf(page, '#cities li:nth-child(1)'), /^Paris, /)
      assert.equal(asked.filter((request) => request.startsWith('GET')).length, 3)
      assert(asked.some((request) => /^GET bytes=\d+-\d+$/.test(request)))

      await lookUp(page, 'Paris')
      assert.match(await textOf(page, '#cost'), /^10 found: 0 requests, 0 bytes/)
      await lookUp(page, 'Nowhereville')
      assert.match(await textOf(page, '#cost'), /^0 found: /)

      await page.route(`${ceph.endpoint}/**`, async (route) => {
        const response = await route.fetch()
        const body = await response.body()
        body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1
        await route.fulfill({ response, body })
      })
      await lookUp(page, 'Oslo')
      assert.match(await textOf(page, '#cost'), /S3_ARCHIVER_DAMAGED/)
      assert.deepEqual(errors, [])
    } finally {
      await browser.close()
      server.close()
    }
  })
})

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function lookUp(page, name) {
  await page.fill('#name', name)
  await page.click('button')
  await page.waitForFunction(() => !['', '…'].includes(document.querySelector('#cost')?.textContent ?? ''))
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} selector
 */
async function textOf(page, selector) {
  return (await page.textContent(selector)) ?? ''
}
