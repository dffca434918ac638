// Runs the built package under Bare, on a real disk: `bare test/bare/smoke.mjs`. Prints one line; exits non-zero on failure.
import fs from 'bare-fs'
import os from 'bare-os'
import Corestore from 'corestore'
import { readFromArchive } from '../../dist/browser/index.js'
import { Archiver, FileStore, openFromArchive, probeStore, prune, restore, verify } from '../../dist/index.js'

/* global Bare */

const directory = `${os.tmpdir()}/s3-archiver-smoke-${os.pid()}-${Date.now()}`

try {
  await run()
  await runArchive()
  console.log(
    's3-archiver on Bare: objects in a directory; a Corestore was archived, verified, read, restored and pruned'
  )
} catch (error) {
  console.error(error)
  Bare.exitCode = 1
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}

async function run() {
  const store = new FileStore(`${directory}/not/there`)
  same('probe', await probeStore(store), { mayDelete: true })

  const bytes = new Uint8Array(3_000_000).map((_, i) => i)
  same('put', await store.putIfAbsent('a/b', bytes), true)
  same('second put', await store.putIfAbsent('a/b', new Uint8Array(1)), false)
  const racing = Array.from({ length: 8 }, (_, i) => store.putIfAbsent('a/c', new Uint8Array([i])))
  same('winners', (await Promise.all(racing)).filter(Boolean).length, 1)

  const again = new FileStore(`${directory}/not/there`)
  const part = await again.getRange('a/b', { start: 2_999_998, end: 4_000_000 })
  same('a part', [part.size, ...part.bytes], [3_000_000, bytes[2_999_998], bytes[2_999_999]])
  same('none', await again.getRange('none', { start: 0, end: 1 }), null)
  same('size', (await again.head('a/b')).size, 3_000_000)
  const names = []
  for await (const { name } of again.list('a/')) names.push(name)
  same('list', names, ['a/b', 'a/c'])
  await again.delete('a/b')
  same('deleted', await store.head('a/b'), null)
  same('below an object', await codeOf(store.putIfAbsent('a/c/d', bytes)), 'S3_ARCHIVER_STORE_BAD_NAME')
}

async function runArchive() {
  const store = new FileStore(`${directory}/archive`)
  const corestore = new Corestore(`${directory}/cores`)
  const core = corestore.get({ name: 'core' })
  await core.append(Array.from({ length: 300 }, (_, i) => Buffer.alloc(1000, i)))
  const archiver = new Archiver(store, { corestore, debounceMs: 1 })
  const live = new Promise((resolve) => archiver.once('archived', resolve))
  await archiver.ready()
  same('archived by itself', (await live).blocks, 300)
  await core.append('more')
  await archiver.flushed()
  await archiver.close()
  same('verified', (await verify(store, { keys: [core.key] })).ok, true)
  const archive = await openFromArchive(store, { key: core.key })
  same('read', [archive.core.length, (await archive.core.get(300)).toString()], [301, 'more'])
  await archive.close()
  const portable = await readFromArchive(store, { key: core.key })
  same('read without Hypercore', Buffer.from(await portable.get(300)).toString(), 'more')
  await portable.close()
  const into = new Corestore(`${directory}/restored`)
  const { length, missing } = await restore(store, { corestore: into, key: core.key })
  same('restored', [length, missing], [301, 0])
  const copy = into.get({ key: core.key })
  same('a block', (await copy.get(300)).toString(), 'more')
  same('pruned', (await prune(store, { keep: { last: 1 } })).commits, 0)
  await into.close()
  await corestore.close()
}

async function codeOf(promise) {
  return promise.then(
    () => null,
    ({ code }) => code
  )
}

function same(what, actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}
