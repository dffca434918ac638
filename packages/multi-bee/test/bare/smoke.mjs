// Runs the built package under Bare, on real storage: `bare test/bare/smoke.mjs`. Prints one line; exits non-zero on failure.
import fs from 'bare-fs'
import os from 'bare-os'
import Corestore from 'corestore'
import { MultiBee } from '../../dist/index.js'

/* global Bare */

const TIMEOUT_MS = 30_000

const directory = `${os.tmpdir()}/multi-bee-smoke-${os.pid()}-${Date.now()}`
const giveUp = setTimeout(() => {
  console.error(`the smoke test did not finish within ${TIMEOUT_MS} ms`)
  fs.rmSync(directory, { recursive: true, force: true })
  Bare.exit(1)
}, TIMEOUT_MS)

try {
  fs.mkdirSync(directory)
  await run()
  console.log('multi-bee on Bare: two devices wrote, met, disagreed, agreed and came back')
} catch (error) {
  console.error(error)
  Bare.exitCode = 1
} finally {
  clearTimeout(giveUp)
  fs.rmSync(directory, { recursive: true, force: true })
}

async function run() {
  const stores = { phone: new Corestore(`${directory}/phone`), laptop: new Corestore(`${directory}/laptop`) }
  const phone = new MultiBee(stores.phone, { name: 'phone' })
  await phone.ready()
  const { key, encryptionKey } = phone
  const laptop = new MultiBee(stores.laptop, { name: 'laptop', key, encryptionKey })
  await laptop.ready()

  await phone.put('ada', { name: 'Ada', phone: '1' })
  await phone.addWriter(laptop.writerKey, { name: 'laptop' })
  let wire = connect(phone, laptop)
  await until('the laptop to be let in', () => laptop.writable)
  same('get', (await laptop.get('ada')).value, { name: 'Ada', phone: '1' })
  const { version } = laptop

  // Apart: different fields merge, and one field becomes a conflict.
  await disconnect(wire)
  await phone.put('ada', { name: 'Ada Lovelace', phone: '2' })
  await laptop.put('ada', { name: 'Ada', phone: '3' })
  const batch = laptop.batch()
  await batch.put('bob', { name: 'Bob' })
  await batch.put('eve', { name: 'Eve' })
  await batch.flush()
  await laptop.del('eve')
  wire = connect(phone, laptop)
  await until(
    'the edits to meet',
    async () => (await phone.conflicts('ada')).length === 1 && (await laptop.conflicts('ada')).length === 1
  )
  await phone.resolve('ada', ['phone'], '4')
  await until('the conflict to be resolved', async () => (await laptop.conflicts('ada')).length === 0)
  const merged = [
    ['ada', { name: 'Ada Lovelace', phone: '4' }],
    ['bob', { name: 'Bob' }]
  ]
  for (const db of [phone, laptop]) same('the merged database', await entries(db), merged)
  same('checkout', await entries(laptop.checkout(version)), [['ada', { name: 'Ada', phone: '1' }]])
  await disconnect(wire)

  // A restart: the same writers with the same view and its versions.
  await laptop.close()
  await phone.close()
  const again = [new MultiBee(stores.phone), new MultiBee(stores.laptop, { key, encryptionKey })]
  for (const db of again) {
    await db.ready()
    same('the database after a restart', await entries(db), merged)
    same('whether it is writable', db.writable, true)
  }
  same('checkout after a restart', await entries(again[1].checkout(version)), [
    ['ada', { name: 'Ada', phone: '1' }]
  ])
  for (const db of again) await db.close()
  for (const store of Object.values(stores)) await store.close()
}

async function entries(reader) {
  const found = []
  for await (const { key, value } of reader.createReadStream()) found.push([key, value])
  return found
}

function connect(a, b) {
  const [left, right] = [a.replicate(true), b.replicate(false)]
  for (const stream of [left, right]) stream.on('error', () => {})
  left.pipe(right).pipe(left)
  return [left, right]
}

async function disconnect(streams) {
  const closed = streams.map((stream) => new Promise((resolve) => stream.once('close', resolve)))
  for (const stream of streams) stream.destroy()
  await Promise.all(closed)
}

async function until(what, condition) {
  for (let turn = 0; turn < 1000; turn++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`timed out waiting for ${what}`)
}

function same(what, actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}
