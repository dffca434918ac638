import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { holderKeyPair, openShare } from '../src/index.ts'
import { fromHex, toHex } from './vectors/make.mjs'

/** Debian's, or what else there is; `CHROMIUM` says where. */
const PLACES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome']
const EXECUTABLE = PLACES.find((place) => place !== undefined && existsSync(place)) ?? ''
interface Result {
  modules: number
  drawn: number
  sealed: string
}

const here = import.meta.dirname

async function bundle(entry: string): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    define: { global: 'globalThis' },
    logLevel: 'silent'
  })
  return result.outputFiles[0]?.contents ?? new Uint8Array(0)
}

test.skipIf(EXECUTABLE === '')(
  'Chromium writes and reads the vectors, splits, seals and recovers (skipped where there is none)',
  async () => {
    const script = Buffer.from(await bundle(`${here}/browser/page.mjs`)).toString()
    const vectors = JSON.parse(readFileSync(`${here}/vectors/v1.json`, 'utf8')) as { shares: string[] }
    const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      const errors: unknown[] = []
      page.on('pageerror', (error) => errors.push(error))
      await page.setContent('<!doctype html><title>test</title><body></body>')
      await page.addScriptTag({ content: script })
      const { modules, drawn, sealed } = await page.evaluate((given) => {
        const { run } = globalThis as unknown as { run(vectors: unknown): Result }
        return run(given)
      }, vectors)
      expect(errors).toEqual([])
      expect([modules, drawn]).toEqual([69, 1])
      const holder = holderKeyPair((length) => Uint8Array.from({ length }, (_, i) => 55 + i))
      expect(toHex(openShare(fromHex(sealed), holder).toBytes())).toBe(vectors.shares[0])
    } finally {
      await browser.close()
    }
  },
  60_000
)

test('what a browser has to load is at most 60 KB, compressed, with QR codes and the printed sheet', async () => {
  const script = await bundle(`${here}/browser/everything.mjs`)
  expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(60_000)
  expect(script.length).toBeGreaterThan(100_000)
})
