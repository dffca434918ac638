import { existsSync } from 'node:fs'
import { build } from 'esbuild'

/** Debian's, or what else there is; `CHROMIUM` says where. Empty: there is none. */
const PLACES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome']
export const CHROMIUM: string = PLACES.find((place) => place !== undefined && existsSync(place)) ?? ''

/** A script for a page, of a file in `test/browser`. */
export async function bundleOf(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${import.meta.dirname}/browser/${name}`],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    define: { global: 'globalThis' },
    logLevel: 'silent'
  })
  return outputFiles[0]?.text ?? ''
}
