import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { CHROMIUM } from '@cloudpal/test-kit'
import { bundleOf } from './page-bundle.ts'

const here = import.meta.dirname

test.skipIf(CHROMIUM === '')(
  'in Chromium the vectors are written and read (skipped where there is none)',
  async () => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      const errors: unknown[] = []
      page.on('pageerror', (error) => errors.push(error))
      await page.setContent('<!doctype html><title>test</title><body></body>')
      await page.addScriptTag({ content: await bundleOf('page.mjs') })
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
