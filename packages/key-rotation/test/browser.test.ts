import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CHROMIUM, openPage, pageScript } from '@cloudpal/test-kit/chromium'

const here = import.meta.dirname

test.skipIf(CHROMIUM === '')(
  'in Chromium the vectors are written and read (skipped where there is none)',
  async () => {
    const { page, errors } = await openPage(await pageScript(`${here}/browser/page.mjs`))
    const vectors = JSON.parse(readFileSync(`${here}/vectors/v1.json`, 'utf8')) as { events: string[] }
    const count = await page.evaluate((given) => {
      const { run } = globalThis as unknown as { run(vectors: unknown): number }
      return run(given)
    }, vectors)
    expect([count, errors]).toEqual([vectors.events.length, []])
  }
)
