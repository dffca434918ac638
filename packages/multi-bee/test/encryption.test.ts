import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replicate, tmpDir, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import type { MultiBee } from '../src/index.ts'
import { openDevice, openReplica, untilShown, writerKeyOf } from './support/devices.ts'

const KEY = 'canary-key-3f9a'
const VALUE = 'canary-value-b71c'
const NAME = 'canary-name-55d0'
const CANARIES = [KEY, VALUE, NAME]

/** Which of the needles stand in some file of the folder. */
function foundIn(folder: string, needles: readonly (string | Uint8Array)[]): (string | Uint8Array)[] {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name)))
  expect(files.length).toBeGreaterThan(0)
  return needles.filter((needle) =>
    files.some((bytes) => b4a.includes(bytes, b4a.from(needle as Uint8Array)))
  )
}

/** A database of two writers, with canaries in both logs. */
async function writeCanaries(
  options: { encryptionKey?: Uint8Array | null } = {}
): Promise<[MultiBee, MultiBee]> {
  const a = await openDevice({ name: NAME, ...options })
  const b = await openReplica(a)
  await a.addWriter(writerKeyOf(b), { name: `${NAME}-b` })
  replicate(a, b)
  await until(() => b.writable)
  await a.put(KEY, { field: VALUE, [`${VALUE}-field`]: 1 })
  await untilShown(KEY, (await a.get(KEY))?.value, b)
  await b.put(KEY, { field: `${VALUE}-of-b` })
  await b.del(KEY)
  await b.put(`${KEY}-of-b`, VALUE)
  await untilShown(`${KEY}-of-b`, VALUE, a)
  return [a, b]
}

/** What a peer gets who knows the keys of the logs, and no encryption key. Its files stay after it has closed. */
async function carryAway([a, b]: readonly MultiBee[]): Promise<{ dir: string; blocks: Uint8Array[] }> {
  if (a === undefined || b === undefined) throw new Error('two devices write')
  const dir = await tmpDir()
  const store = await tmpStore({ dir })
  const keys = [writerKeyOf(a), writerKeyOf(b)]
  const cores = keys.map((key) => store.get({ key }))
  const wire = replicate(a, store)
  const blocks: Uint8Array[] = []
  for (const [i, core] of cores.entries()) {
    await core.ready()
    const status = (await a.status()).devices[i]
    core.download({ start: 0, end: -1 })
    await until(() => core.contiguousLength === status?.applied)
    for (let seq = 0; seq < core.length; seq++) blocks.push((await core.get(seq)) as Uint8Array)
  }
  await wire.destroy()
  await store.close()
  return { dir, blocks }
}

test('no block of any log shows a key, a value or a name to a peer without the encryption key', async () => {
  const devices = await writeCanaries()
  expect(devices[0].encryptionKey?.byteLength).toBe(32)
  const { blocks } = await carryAway(devices)
  expect(blocks.length).toBeGreaterThan(4)
  for (const block of blocks) for (const canary of CANARIES) expect(b4a.includes(block, canary)).toBe(false)
})

test('no file of a replica without the encryption key shows a key, a value, a name, or that key', async () => {
  const devices = await writeCanaries()
  const { dir } = await carryAway(devices)
  expect(foundIn(dir, [...CANARIES, devices[0].encryptionKey ?? ''])).toEqual([])
})

test('with encryptionKey: null every block can be read', async () => {
  const devices = await writeCanaries({ encryptionKey: null })
  expect(devices.map(({ encryptionKey }) => encryptionKey)).toEqual([null, null])
  const { blocks, dir } = await carryAway(devices)
  for (const canary of CANARIES) expect(blocks.some((block) => b4a.includes(block, canary))).toBe(true)
  expect(foundIn(dir, CANARIES)).toEqual(CANARIES)
})

test('an encryptionKey that the app supplies is in no file of the store, nor of the view', async () => {
  const dir = await tmpDir()
  const encryptionKey = b4a.from(Array.from({ length: 32 }, (_, i) => (i * 37 + 11) % 256))
  const forms = [encryptionKey, b4a.toString(encryptionKey, 'hex'), b4a.toString(encryptionKey, 'base64')]
  for (let opened = 0; opened < 2; opened++) {
    const store = await tmpStore({ dir })
    const db = await openDevice({ store, encryptionKey })
    await db.put('a', opened)
    await db.flush()
    await db.close()
    await store.close()
    expect(foundIn(dir, forms)).toEqual([])
  }
})

test('an encryptionKey that the database made is in the store, since nobody else keeps it', async () => {
  const dir = await tmpDir()
  const store = await tmpStore({ dir })
  const db = await openDevice({ store })
  const { encryptionKey } = db
  await db.close()
  await store.close()
  expect(foundIn(dir, [encryptionKey ?? ''])).toEqual([encryptionKey])
})

test('two databases get different encryption keys', async () => {
  const [a, b] = [await openDevice(), await openDevice()]
  expect(b4a.equals(a.encryptionKey ?? b4a.alloc(0), b.encryptionKey ?? b4a.alloc(0))).toBe(false)
})

test('the view of a device that reads the database is NOT encrypted on its own disk, also when the app supplies the key', async () => {
  const [dir, parent] = [await tmpDir(), await tmpDir()]
  const store = await tmpStore({ dir })
  const db = await openDevice({
    store,
    encryptionKey: b4a.alloc(32, 9),
    directory: join(parent, 'view'),
    name: NAME
  })
  await db.put(KEY, { field: VALUE })
  await db.close()
  await store.close()
  expect(foundIn(parent, CANARIES)).toEqual(CANARIES)
  // The logs beside it are.
  expect(foundIn(dir, CANARIES)).toEqual([])
})

test('what was deleted stays readable in the view on the own disk', async () => {
  const parent = await tmpDir()
  const db = await openDevice({ directory: join(parent, 'view') })
  await db.put('a', VALUE)
  await db.flush()
  await db.del('a')
  await db.close()
  expect(foundIn(parent, [VALUE])).toEqual([VALUE])
})
