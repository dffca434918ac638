import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'

/** Debian's, or what else there is; `CHROMIUM` says where. */
const PLACES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome']
const EXECUTABLE = PLACES.find((place) => place !== undefined && existsSync(place)) ?? ''
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
    const vectors: unknown = JSON.parse(readFileSync(`${here}/vectors/v1.json`, 'utf8'))
    const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      const errors: unknown[] = []
      page.on('pageerror', (error) => errors.push(error))
      await page.setContent('<!doctype html><title>test</title><body></body>')
      await page.addScriptTag({ content: script })
      const result: unknown = await page.evaluate((given) => {
        const { run } = globalThis as unknown as { run(vectors: unknown): unknown }
        return run(given)
      }, vectors)
      expect(errors).toEqual([])
      expect(result).toEqual({ modules: 69, drawn: 1 })
    } finally {
      await browser.close()
    }
  },
  60_000
)

test('what a browser has to load is at most 60 KB, compressed; QR codes and the printed sheet add 6 KB', async () => {
  const size = async (entry: string): Promise<number> =>
    gzipSync(await bundle(`${here}/${entry}`), { level: 9 }).length / 1024
  const main = await size('../src/index.ts')
  expect(main).toBeGreaterThan(40)
  expect(main).toBeLessThanOrEqual(60)
  expect((await size('browser/everything.mjs')) - main).toBeLessThanOrEqual(6)
})
