import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { createHmac, pbkdf2Sync, randomBytes } from '../src/paper/crypto.ts'
import { CHROMIUM, openPage, pageScript } from '@cloudpal/test-kit/chromium'
import { bytesOf } from './sets.ts'

const run = promisify(execFile)
const here = import.meta.dirname

const entryOf = (name: string): string => join(here, 'paper', name)
/** The one line that `/paper` needs elsewhere than in Node. */
const alias = { crypto: join(here, '../src/paper/crypto.ts') }

test.skipIf(CHROMIUM === '')(
  'SLIP-39 works in Chromium, all 45 official vectors, and leaves no Buffer behind (skipped where there is none)',
  async () => {
    const { page } = await openPage(await pageScript(entryOf('page.mjs'), alias))
    expect(await page.evaluate('checkPaper()')).toEqual({ read: 45, wrong: [] })
    expect(await page.evaluate('buffered()')).toBe(false)
  }
)

test('SLIP-39 works on Bare, all 45 official vectors', async () => {
  // Below the package, so that what is not bundled is found.
  const folder = await mkdtemp(join(here, '../node_modules/paper-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const outfile = join(folder, 'paper.mjs')
  const external = ['sodium-universal', '@noble/*', '@scure/*']
  await build({
    entryPoints: [entryOf('bare.mjs')],
    bundle: true,
    target: 'es2022',
    alias,
    logLevel: 'silent',
    outfile,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['main'],
    external
  })
  const bare = join(dirname(createRequire(import.meta.url).resolve('bare')), 'bin/bare')
  const { stdout } = await run(process.execPath, [bare, outfile])
  expect(JSON.parse(stdout)).toEqual({ read: 45, wrong: [] })
})

test('what stands in for Node’s crypto gives what Node’s gives', async () => {
  const node = await import('node:crypto')
  const [password, salt] = [bytesOf(20), bytesOf(13, 2)]
  const derived = pbkdf2Sync(password, salt, 100, 32, 'sha256')
  expect(Buffer.from(derived)).toEqual(node.pbkdf2Sync(password, salt, 100, 32, 'sha256'))
  const mac = createHmac('sha256', password)
  mac.update(salt)
  expect(Buffer.from(mac.digest())).toEqual(node.createHmac('sha256', password).update(salt).digest())
  expect(randomBytes(32)).not.toEqual(randomBytes(32))
})
