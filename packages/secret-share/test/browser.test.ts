import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { holderKeyPair, openShare, type Share } from '../src/index.ts'
import { recoverySheet } from '../src/qr/index.ts'
import { CHROMIUM, openPage, pageScript } from '@cloudpal/test-kit/chromium'
import type { Tally } from './fuzz/recoveries.ts'
import { bytesOf, deal, sharesOf } from './sets.ts'
import { fromHex, toHex } from './vectors/make.mjs'

interface Result {
  modules: number
  drawn: number
  sealed: string
}

const here = import.meta.dirname

describe.skipIf(CHROMIUM === '')('in Chromium (skipped where there is none)', () => {
  /** A page with the package in it. */
  const open = async (): ReturnType<typeof openPage> => openPage(await pageScript(`${here}/browser/page.mjs`))

  test('the vectors are written and read, and shares split, sealed and recovered', async () => {
    const vectors = JSON.parse(readFileSync(`${here}/vectors/v1.json`, 'utf8')) as { shares: string[] }
    const { page, errors } = await open()
    const { modules, drawn, sealed } = await page.evaluate((given) => {
      const { run } = globalThis as unknown as { run(vectors: unknown): Result }
      return run(given)
    }, vectors)
    expect(errors).toEqual([])
    expect([modules, drawn]).toEqual([69, 1])
    const holder = holderKeyPair((length) => Uint8Array.from({ length }, (_, i) => 55 + i))
    expect(toHex(openShare(fromHex(sealed), holder).toBytes())).toBe(vectors.shares[0])
  })

  test('1,000 recoveries with bad shares give no wrong secret, and every bad share is named', async () => {
    const { page } = await open()
    const { recoveries, recovered, refused, mistakes } = await page.evaluate(() => {
      const { fuzz } = globalThis as unknown as { fuzz(): Tally }
      return fuzz()
    })
    expect(mistakes).toEqual([])
    expect(recoveries).toBe(1_000)
    expect(Math.min(recovered, refused)).toBeGreaterThan(100)
  })

  test('a recovery sheet prints on one page, and asks for nothing', async () => {
    const [share] = sharesOf(deal(bytesOf(32), { label: 'x'.repeat(40) })) as [Share]
    const { page } = await openPage('')
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.setContent(recoverySheet(share, { owner: 'Ada', holder: 'Ann', date: '21 November 2026' }))
    const pdf = Buffer.from(await page.pdf({ preferCSSPageSize: true })).toString('latin1')
    expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1)
    expect(asked).toEqual([])
    const [width = 0] = await page.$$eval('svg', (found) =>
      found.map((svg) => svg.getBoundingClientRect().width)
    )
    expect(width).toBeGreaterThan(250)
  })
})

test('what a browser has to load is at most 60 KB, compressed, with QR codes and the printed sheet', async () => {
  const script = Buffer.from(await pageScript(`${here}/browser/everything.mjs`))
  expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(60_000)
  expect(script.length).toBeGreaterThan(100_000)
})
