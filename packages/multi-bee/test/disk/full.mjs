// Fills a small disk of its own while it writes, and says what comes of it as one line of JSON. Its first argument is how it is to go
// on once there is room again: `reopen` or `wait`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Corestore from 'corestore'
import { MultiBee } from '../../dist/index.js'

const MIB = 2 ** 20
const [how, size] = process.argv.slice(2)
const disk = mkdtempSync(join(tmpdir(), 'cloudpal-disk-'))
const ballast = join(disk, 'ballast')
const directory = join(disk, 'store')

const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', disk], {
  encoding: 'utf8'
})
if (mounted.status !== 0) {
  console.log(JSON.stringify({ skipped: mounted.error?.message ?? mounted.stderr }))
  process.exit(0)
}

const codes = new Set()
const failures = []
/** What was acknowledged. @type {Map<string, unknown>} */
const acknowledged = new Map()
let count = 0

/** Writes until the disk has no room for it, or a few times. */
async function fill(db, times) {
  for (let i = 0; i < times; i++) {
    const writes = Array.from({ length: 10 }, () => [`key-${count++}`, { text: 'x'.repeat(2000), count }])
    const batch = db.batch()
    const [first, ...rest] = writes
    const results = await Promise.allSettled([
      db.put(...first).then(() => acknowledged.set(...first)),
      Promise.all(rest.map((write) => batch.put(...write)))
        .then(() => batch.flush())
        .then(() => rest.forEach((write) => acknowledged.set(...write)))
    ])
    const failed = results.filter(({ status }) => status === 'rejected')
    for (const { reason } of failed) codes.add(reason.code ?? `uncoded: ${reason.stack}`)
    if (failed.length === 2) return
  }
}

async function codeOf(promise) {
  return promise.then(
    () => 'resolved',
    (error) => error.code ?? `uncoded: ${error.stack}`
  )
}

/** Acknowledged entries that are not shown as they were written. */
async function missing(db) {
  let found = 0
  for (const [key, value] of acknowledged) {
    const entry = await db.get(key)
    if (entry?.value.text !== value.text || entry.value.count !== value.count) found++
  }
  let scanned = 0
  for await (const { key } of db.createReadStream()) if (acknowledged.has(key)) scanned++
  return found + acknowledged.size - scanned
}

function free() {
  const { bavail, bsize } = statfsSync(disk)
  return bavail * bsize
}

// The ballast is there first, so that no room is set aside for what is written later.
const chunk = Buffer.alloc(MIB)
while (free() > 4 * MIB) writeFileSync(ballast, chunk, { flag: 'a' })
let store = new Corestore(directory)
let db = new MultiBee(store)
db.on('failure', (error) => failures.push(error.code ?? `uncoded: ${error.stack}`))
await db.ready()
await fill(db, 10)
const before = acknowledged.size
await fill(db, 10_000)
const full = {
  before,
  acknowledged: acknowledged.size,
  codes: [...codes],
  put: await codeOf(db.put('after', 1)),
  update: await codeOf(db.update('after', () => 1)),
  flush: await codeOf(db.flush()),
  missing: await missing(db)
}

if (how === 'reopen') {
  // Both on the full disk: what is open closes.
  full.close = await codeOf(db.close())
  await store.close()
  rmSync(ballast)
  store = new Corestore(directory)
  db = new MultiBee(store)
  db.on('failure', (error) => failures.push(error.code ?? `uncoded: ${error.stack}`))
} else {
  rmSync(ballast)
  // RocksDB looks for room every five seconds.
  for (let tries = 0; tries < 300 && (await codeOf(db.put('again', 1))) !== 'resolved'; tries++)
    await setTimeout(100)
  for (let tries = 0; tries < 300 && (await codeOf(db.flush())) !== 'resolved'; tries++) await setTimeout(100)
}
const room = { missing: await missing(db), put: await codeOf(db.put('after', 2)) }
room.flush = await codeOf(db.flush())
await db.close()
await store.close()

// And what is on the disk is all of it.
store = new Corestore(directory)
db = new MultiBee(store)
const last = { missing: await missing(db), after: (await db.get('after'))?.value }
await db.close()
await store.close()
spawnSync('umount', [disk])
rmSync(disk, { recursive: true, force: true })
console.log(JSON.stringify({ full, room, last, failures: [...new Set(failures)] }))
