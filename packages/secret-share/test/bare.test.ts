import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import type { Tally } from './fuzz/recoveries.ts'

const run = promisify(execFile)

test('on Bare, 2,000 recoveries with bad shares give no wrong secret, and every bad share is named', async () => {
  // Below the package, so that what is not bundled is found.
  const folder = await mkdtemp(join(import.meta.dirname, '../node_modules/fuzz-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const outfile = join(folder, 'fuzz.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'bare/fuzz.mjs')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external'
  })
  const bare = join(dirname(createRequire(import.meta.url).resolve('bare')), 'bin/bare')
  const { stdout } = await run(process.execPath, [bare, outfile])
  const { recoveries, recovered, refused, mistakes } = JSON.parse(stdout) as Tally
  expect(mistakes).toEqual([])
  expect(recoveries).toBe(2_000)
  expect(Math.min(recovered, refused)).toBeGreaterThan(200)
})
