import { existsSync, readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'

/** Debian's, or what else there is; `CHROMIUM` says where. */
const PLACES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome']
const EXECUTABLE = PLACES.find((place) => place !== undefined && existsSync(place)) ?? ''

const here = import.meta.dirname

test.skipIf(EXECUTABLE === '')(
  'in Chromium the vectors are written and read (skipped where there is none)',
  async () => {
    const bundle = await build({
      entryPoints: [`${here}/browser/page.mjs`],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      target: 'es2022',
      define: { global: 'globalThis' },
      logLevel: 'silent'
    })
    const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      const errors: unknown[] = []
      page.on('pageerror', (error) => errors.push(error))
      await page.setContent('<!doctype html><title>test</title><body></body>')
      await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' })
      const vectors = JSON.parse(readFileSync(`${here}/vectors/v1.json`, 'utf8')) as { events: string[] }
      const count = await page.evaluate((given) => {
        const { run } = globalThis as unknown as { run(vectors: unknown): number }
        return run(given)
      }, vectors)
      expect([count, errors]).toEqual([vectors.events.length, []])
    } finally {
      await browser.close()
    }
  }
)
