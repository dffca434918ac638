import { build } from 'esbuild'

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
