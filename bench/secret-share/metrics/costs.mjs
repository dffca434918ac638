// What a person waits for: dealing to five holders, combining three shares, checking one.
import { fileURLToPath } from 'node:url'
import { median } from '../../harness/median.mjs'
import { milliseconds } from '../../harness/stopwatch.mjs'
import { dealing, timed } from '../work/dealing.mjs'

const WARM = 20
const ROUNDS = 300

/** @type {Record<string, string>} */
const STEPS = {
  'secret-share': 'secretShare',
  'secret-share-chromium': 'inChromium',
  'shamir-secret-sharing': 'bareSharing'
}

/** @type {import('../../harness/suite.mjs').Scenario} */
export const costs = {
  module: import.meta.url,
  metrics: ['split-seal-5', 'split-5', 'combine-3', 'verify'].map((name) => ({
    name,
    unit: 'ms',
    sizes: ['small']
  })),
  subjects: Object.fromEntries(Object.keys(STEPS).map((subject) => [subject, ['small']])),
  measure: async ({ subject, step }) => (await step(STEPS[subject] ?? '')).values
}

export const steps = {
  async secretShare() {
    return medians(timed(dealing(await import('@cloudpal/secret-share')), WARM, ROUNDS))
  },

  async inChromium() {
    const { build } = await import('esbuild')
    const { chromium } = await import('playwright-core')
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('../work/page.mjs', import.meta.url))],
      bundle: true,
      minify: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      define: { global: 'globalThis' }
    })
    const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      await page.addScriptTag({ content: outputFiles[0]?.text ?? '' })
      /** @type {Record<string, number[]>} */
      const times = await page.evaluate(`measure(${WARM}, ${ROUNDS})`)
      return medians(times)
    } finally {
      await browser.close()
    }
  },

  /** The same field, without signatures, sealing or a drill: a wrong share gives a wrong secret. */
  async bareSharing() {
    const { combine, split } = await import('shamir-secret-sharing')
    const secret = Uint8Array.from({ length: 32 }, (_, i) => i)
    const shares = await split(secret, 5, 3)
    return {
      'split-5': await typical(() => split(secret, 5, 3)),
      'combine-3': await typical(() => combine(shares.slice(0, 3)))
    }
  }
}

/** @param {Record<string, number[]>} times */
function medians(times) {
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))
}

/**
 * The median of many, in ms.
 *
 * @param {() => Promise<unknown>} run
 */
async function typical(run) {
  const times = []
  for (let round = 0; round < WARM + ROUNDS; round++) {
    const took = await milliseconds(run)
    if (round >= WARM) times.push(took)
  }
  return median(times)
}
