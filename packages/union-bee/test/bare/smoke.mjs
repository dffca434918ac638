// Runs the built package under Bare, on real storage: `bare test/bare/smoke.mjs`. Prints one line; exits non-zero on failure.
import fs from 'bare-fs'
import os from 'bare-os'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { createOverlay, UnionBee } from '../../dist/index.js'

/* global Bare */

const directory = `${os.tmpdir()}/union-bee-smoke-${os.pid()}-${Date.now()}`

try {
  fs.mkdirSync(directory)
  await run()
  console.log('union-bee on Bare: bees were read as one, edited over, watched and closed')
} catch (error) {
  console.error(error)
  Bare.exitCode = 1
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}

async function run() {
  const store = new Corestore(directory)
  const make = (name) => new Hyperbee(store.get({ name }), { keyEncoding: 'utf-8', valueEncoding: 'json' })
  const [a, b, top] = [make('a'), make('b'), make('top')]
  await a.put('\ufffd', 1)
  await b.put('\u{1f600}', 2)
  await b.put('gone', 3)
  const union = new UnionBee([a, { bee: b, timeoutMs: 5000 }])
  same('keys', await keysOf(union), ['gone', '\ufffd', '\u{1f600}'])

  const overlay = createOverlay({ top, lower: [a, b] })
  const watcher = overlay.watch()
  await watcher.ready()
  await overlay.del('gone')
  const { value } = await watcher.next()
  same('now', await keysOf(value[0]), ['\ufffd', '\u{1f600}'])
  same('before', await keysOf(value[1]), ['gone', '\ufffd', '\u{1f600}'])
  await watcher.close()
  await overlay.close()
  await union.close()
  same('closed', await union.get('gone').catch(({ code }) => code), 'UNION_BEE_CLOSED')
  await store.close()
}

async function keysOf(view) {
  const keys = []
  for await (const { key } of view.createReadStream()) keys.push(key)
  return keys
}

function same(what, actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}
