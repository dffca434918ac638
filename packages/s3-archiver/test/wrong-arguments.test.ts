import b4a from 'b4a'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { collect, tmpStore } from '@cloudpal/test-kit'
import { readFromArchive } from '../src/browser/index.ts'
import {
  Archiver,
  buildReadPack,
  compact,
  moments,
  openFromArchive,
  probeStore,
  prune,
  restore,
  Seeder,
  stats,
  verify
} from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered, WRITER } from './archived.ts'
import { archived, open, outcome } from './meddling-store.ts'

const KEY: Uint8Array = b4a.alloc(32, 7)
const HEX = b4a.toString(KEY, 'hex')
const KEY_PAIR = crypto.keyPair()

async function archiverOf(store: unknown, options: unknown): Promise<void> {
  const archiver = new Archiver(store as never, options as never)
  await archiver.close()
}

async function seederOf(options: unknown): Promise<void> {
  await new Seeder(new MemoryStore(), options as never).close()
}

/** By name, calls of which each has one argument of the wrong form. */
async function wrongCalls(): Promise<Record<string, () => Promise<unknown>>> {
  const store = new MemoryStore()
  const corestore = await tmpStore()
  const core = corestore.get({ name: 'core' })
  const restoring = (more: object) => () => restore(store, { corestore, key: KEY, ...more })
  const reading = (more: object) => () => openFromArchive(store, { key: KEY, ...more })
  const archiving = (more: object) => () => archiverOf(store, { cores: [core], writerId: WRITER, ...more })
  const seeding = (more: object) => () => seederOf({ keys: [KEY], ...more })
  return {
    'restore out of nothing': () => restore(null as never, { corestore, key: KEY }),
    'restore without options': () => restore(store, undefined as never),
    'restore without a Corestore': restoring({ corestore: undefined }),
    'restore into null': restoring({ corestore: null }),
    'restore into a directory': restoring({ corestore: '/tmp/laptop' }),
    'restore of a key in hex': restoring({ key: HEX }),
    'restore at no point': restoring({ at: {} }),
    'restore at two points': restoring({ at: { seq: 1, timeMs: 2 } }),
    'restore at half a commit': restoring({ at: { seq: 0.5 } }),
    'restore on a fork without a length': restoring({ at: { seq: 1, fork: 1 } }),
    'restore at a time in words': restoring({ at: { timeMs: '2026-11-21' } }),
    'restore at a Date': restoring({ at: { timeMs: new Date() } }),
    'restore at null': restoring({ at: null }),
    'restore of some blocks': restoring({ blocks: 'some' }),
    'restore of a range that ends before': restoring({ blocks: [{ start: 3, end: 1 }] }),
    'restore for nobody': restoring({ writable: {} }),
    'restore for half a key pair': restoring({ writable: { keyPair: { publicKey: KEY } } }),
    'restore for a writer at a point': restoring({ writable: { keyPair: KEY_PAIR }, at: { seq: 1 } }),
    'restore with a short writer id': restoring({ writerId: b4a.alloc(8) }),
    'restore of none in parallel': restoring({ parallel: 0 }),
    'restore with a signal that is none': restoring({ signal: { aborted: false } }),
    'verify of nothing': () => verify(undefined as never),
    'verify of a key in hex': () => verify(store, { keys: [HEX as never] }),
    'verify of one key': () => verify(store, { keys: KEY as never }),
    'verify of two shares': () => verify(store, { share: 2 }),
    'verify of a share that is no number': () => verify(store, { share: NaN }),
    'verify after a number': () => verify(store, { after: 3 as never }),
    'moments of nothing': () => collect(moments(null as never)),
    'moments of a key in hex': () => collect(moments(store, { key: HEX as never })),
    'compact of a key in hex': () => compact(store, { keys: [HEX as never], writerId: WRITER }),
    'compact without a writer id': () => compact(store, { keys: [KEY] } as never),
    'compact without options': () => compact(store, undefined as never),
    'prune without options': () => prune(store, undefined as never),
    'prune without rules': () => prune(store, {} as never),
    'prune by null': () => prune(store, { keep: null as never }),
    'prune by half a day': () => prune(store, { keep: { daily: 0.5 } }),
    'prune by years': () => prune(store, { keep: { yearly: 1 } as never }),
    'prune of what is young': () => prune(store, { keep: { last: 1 }, minAgeMs: 1000 }),
    'stats of nothing': () => stats({} as never),
    'stats with a time as a number': () => stats(store, { now: 3 as never }),
    'a probe of nothing': () => probeStore(null as never),
    'a read pack without an archiver': () => buildReadPack(store, null as never, core as never),
    'a read pack of a core': () => buildReadPack(store, { attachFront: async () => 0 }, core as never),
    'an archiver without options': () => archiverOf(store, undefined),
    'an archiver into nothing': () => archiverOf(null, { cores: [core] }),
    'an archiver of nothing': archiving({ cores: undefined }),
    'an archiver of null': archiving({ cores: undefined, corestore: null }),
    'an archiver of a key': archiving({ cores: [KEY] }),
    'an archiver of one core': archiving({ cores: core }),
    'an archiver with a short writer id': archiving({ writerId: b4a.alloc(8) }),
    'an archiver with a pause that is no time': archiving({ debounceMs: NaN }),
    'an archiver that may send nothing': archiving({ bytesPerSecond: 0 }),
    'an archiver with half a clock': archiving({ clock: { now: () => 0 } }),
    'a reader of nothing': () => openFromArchive(null as never, { key: KEY }),
    'a reader without options': () => openFromArchive(store, undefined as never),
    'a reader of a key in hex': reading({ key: HEX }),
    'a reader into a directory': reading({ corestore: '/tmp/laptop' }),
    'a reader with a cache in a directory': reading({ cache: '/tmp/cache' }),
    'a reader with half a mark': reading({ mark: { seq: 1 } }),
    'a reader that decrypts with a word': reading({ encryption: 'secret' }),
    'a browser of a key in hex': () => readFromArchive(store, { key: HEX as never }),
    'a browser of nothing': () => readFromArchive(undefined as never, { key: KEY }),
    'a seeder without options': () => seederOf(undefined),
    'a seeder of one key': seeding({ keys: KEY }),
    'a seeder of a key in hex': seeding({ keys: [HEX] }),
    'a seeder that calls a word': seeding({ onerror: 'log' })
  }
}

test('a wrong argument is refused with a code, and before anything is done', async () => {
  const calls = await wrongCalls()
  const ends: Record<string, unknown> = {}
  for (const [name, call] of Object.entries(calls)) ends[name] = await outcome((async () => call())())
  expect(ends).toEqual(
    Object.fromEntries(Object.keys(calls).map((name) => [name, 'S3_ARCHIVER_BAD_ARGUMENT']))
  )
})

test('it is said which argument is wrong, and what it has to be', async () => {
  const restoring = restore(new MemoryStore(), { corestore: await tmpStore(), key: HEX as never })
  await expect(restoring).rejects.toThrow('`key` is a Uint8Array of 32 bytes')
})

test('so are those of what an archiver and a reader are asked for', async () => {
  const { store, key, archiver } = await archived(numbered(0, 3))
  const archive = await open(store, { key })
  for (const range of [{ start: -1 }, { start: 2, end: 1 }, { end: 0.5 }, { start: 'a' }])
    expect(await outcome(archive.download(range as never))).toBe('S3_ARCHIVER_BAD_ARGUMENT')
  expect(await outcome(archiver.attachFront(HEX as never, { objects: [], bytes: key }))).toBe(
    'S3_ARCHIVER_BAD_ARGUMENT'
  )
  expect(await outcome(archiver.attachFront(key, null as never))).toBe('S3_ARCHIVER_BAD_ARGUMENT')
})
