import { existsSync } from 'node:fs'
import { build, type BuildOptions } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { type CleanupOptions, testCleanup } from './cleanup.ts'

/** Debian's, or what else there is; `CHROMIUM` says where. Empty where there is none. */
const PLACES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome']
export const CHROMIUM: string = PLACES.find((place) => place !== undefined && existsSync(place)) ?? ''

/** What {@link openPage} takes. */
export interface PageOptions extends CleanupOptions {
  /**
   * Where it is opened. Some of what a browser has, it has only for places that it trusts.
   *
   * @defaultValue nowhere: an empty page
   */
  url?: string
}

/**
 * Opens a page in a Chromium of its own, which ends when the test has finished.
 *
 * @param script - runs in it; see {@link pageScript}
 * @returns the page, and what nobody has caught there
 */
export async function openPage(
  script: string,
  { url, cleanup = testCleanup() }: PageOptions = {}
): Promise<{ page: Page; errors: Error[] }> {
  // Tests end what hangs: nothing here has to be fast.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], timeout: 0 })
  cleanup.defer('swarm', () => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(0)
  const errors: Error[] = []
  page.on('pageerror', (error) => errors.push(error))
  if (url === undefined) await page.setContent('<!doctype html><title>test</title><body></body>')
  else await page.goto(url)
  if (script !== '') await page.addScriptTag({ content: script })
  return { page, errors }
}

/**
 * Bundles a module for a page, as small as an app would.
 *
 * @param alias - what stands in for modules that a browser has not
 */
export async function pageScript(
  entry: string,
  alias: NonNullable<BuildOptions['alias']> = {}
): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    define: { global: 'globalThis' },
    alias,
    logLevel: 'error'
  })
  return outputFiles[0]?.text ?? ''
}
