import b4a from 'b4a'
import caps from 'hypercore/lib/caps.js'
import type Hypercore from 'hypercore'
import type { DuplexStream } from 'hypercore'
import messages from 'hypercore/messages.js'
import crypto from 'hypercore-crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { testCleanup, tmpStore, until } from '@cloudpal/test-kit'
import { Seeder } from '../src/index.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { protocolStream } from '../src/read/replication-adapter.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered } from './archived.ts'
import { archived, archiverOf, forge, Held } from './meddling-store.ts'

interface NoiseLike {
  opened: Promise<boolean>
  handshakeHash: Uint8Array
  userData: {
    createChannel(options: object): {
      open(handshake: object): void
      messages: { send(message: object): void }[]
    }
  }
}

/** A peer that says that it knows a key, and asks what it likes. */
async function connect(seeder: Seeder, key: Uint8Array, known: Uint8Array) {
  const theirs = protocolStream(true)
  const ours = seeder.replicate(false)
  theirs.pipe(ours).pipe(theirs)
  for (const stream of [theirs, ours]) {
    stream.on('error', () => {})
    testCleanup().defer('stream', () => stream.destroy())
  }
  const noise = (theirs as unknown as { noiseStream: NoiseLike }).noiseStream
  await noise.opened
  const { wire } = messages
  const ignored = (): void => {}
  const peer = {
    got: 0,
    answers: 0,
    isClosed: false,
    send: (request: object): void => channel.messages[1]?.send(request)
  }
  const channel = noise.userData.createChannel({
    protocol: 'hypercore/alpha',
    id: crypto.discoveryKey(key),
    handshake: wire.handshake,
    messages: [
      { encoding: wire.sync, onmessage: () => void peer.got++ },
      { encoding: wire.request, onmessage: ignored },
      { encoding: wire.cancel, onmessage: ignored },
      { encoding: wire.data, onmessage: () => void peer.answers++ },
      { encoding: wire.noData, onmessage: () => void peer.answers++ }
    ],
    onclose: () => (peer.isClosed = true)
  })
  channel.open({ seeks: true, capability: caps.replicate(true, known, noise.handshakeHash) })
  return peer
}

/** A Corestore that asks a seeder for all its cores. */
async function storeOfPeer(seeder: Seeder) {
  const store = await tmpStore()
  const theirs = store.replicate(true) as DuplexStream
  const ours = seeder.replicate(false)
  theirs.pipe(ours).pipe(theirs)
  for (const stream of [theirs, ours]) {
    stream.on('error', () => {})
    testCleanup().defer('stream', () => stream.destroy())
  }
  return store
}

describe('a seeder', () => {
  test('looks once for what is new of all its cores', async () => {
    const corestore = await tmpStore()
    const cores = Array.from({ length: 20 }, (_, i) => corestore.get({ name: `core ${i}` }))
    for (const core of cores) await core.append(numbered(0, 5))
    const store = new MemoryStore()
    const archiver = archiverOf(store, ...cores)
    await archiver.flush()
    const keys = cores.map(({ key }) => key as Uint8Array)
    const seeder = new Seeder(store, { keys })
    onTestFinished(() => seeder.close())
    const peerStore = await storeOfPeer(seeder)
    for (const key of keys) {
      const core = peerStore.get({ key })
      await core.ready()
      await until(() => core.length === 5)
    }
    const opened = seeder.stats().requests
    await cores[7]?.append(numbered(5, 6))
    await archiver.flush()
    await seeder.update()
    expect({ opened, updated: seeder.stats().requests - opened }).toEqual({ opened: 2, updated: 2 })
  })

  test('goes on to new heads of a core when those of another are damaged', async () => {
    const corestore = await tmpStore()
    const [a, b] = [corestore.get({ name: 'a' }), corestore.get({ name: 'b' })]
    await Promise.all([a.append(numbered(0, 5)), b.append(numbered(0, 5))])
    const store = new MemoryStore()
    const archiver = archiverOf(store, a, b)
    await archiver.flush()
    const keys = [a.key, b.key] as Uint8Array[]
    const seeder = new Seeder(store, { keys })
    onTestFinished(() => seeder.close())
    const peers: Hypercore[] = []
    const peerStore = await storeOfPeer(seeder)
    for (const key of keys) {
      const core = peerStore.get({ key })
      await core.ready()
      peers.push(core)
      await until(() => core.length === 5)
    }
    await Promise.all([a.append(numbered(5, 6)), b.append(numbered(5, 6))])
    await archiver.flush()
    const blind = (await readHead(store, keys[0] as Uint8Array)).entry.blindId
    await forge(store, (commit) => ({
      ...commit,
      entries: commit.entries.map((entry) =>
        b4a.equals(entry.blindId, blind) ? { ...entry, sealed: b4a.alloc(entry.sealed.byteLength) } : entry
      )
    }))
    await expect(seeder.update()).rejects.toMatchObject({ code: 'S3_ARCHIVER_DAMAGED' })
    await until(() => peers[1]?.length === 6)
  })

  test('closes the channel of a peer that asks for more than any Hypercore', async () => {
    const { store, key } = await archived(numbered(0, 300, 4000))
    const held = new Held(store)
    const seeder = new Seeder(held, { keys: [key] })
    onTestFinished(() => seeder.close())
    held.isHeld = true
    const peer = await connect(seeder, key, key)
    await until(() => peer.got > 0)
    for (let id = 1; id <= 5000; id++)
      peer.send({ id, fork: 0, block: { index: id % 300, nodes: 0 }, manifest: false, priority: 0 })
    await until(() => peer.isClosed)
    held.letGo()
    expect(peer.answers).toBe(0)
  })

  test('tells with a code that a peer asks for what no core has, and serves it what there is', async () => {
    const { store, key } = await archived(numbered(0, 20))
    const errors: { code: string }[] = []
    const seeder = new Seeder(store, { keys: [key], onerror: (error) => errors.push(error) })
    onTestFinished(() => seeder.close())
    const peer = await connect(seeder, key, key)
    await until(() => peer.got > 0)
    const nonsense = [
      { hash: { index: 999_999, nodes: 3 } },
      { hash: { index: 2 ** 40, nodes: 0 } },
      { seek: { bytes: 2 ** 50, padding: 0 } },
      { upgrade: { start: 5, length: 900 } },
      { upgrade: { start: 900, length: 1 } },
      { block: { index: 3, nodes: 0 }, hash: { index: 7, nodes: 0 } },
      { block: { index: 3, nodes: 40 } }
    ]
    for (const [id, what] of nonsense.entries())
      peer.send({ id: id + 1, fork: 0, manifest: false, priority: 0, ...what })
    peer.send({ id: 100, fork: 0, block: { index: 3, nodes: 0 }, manifest: false, priority: 0 })
    await until(() => peer.answers === nonsense.length + 1)
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['S3_ARCHIVER_BAD_REQUEST']))
  })

  test('tells nothing to a stranger who knows only the discovery key', async () => {
    const { store, key } = await archived(numbered(0, 20))
    const errors: unknown[] = []
    const seeder = new Seeder(store, { keys: [key], onerror: (error) => errors.push(error) })
    onTestFinished(() => seeder.close())
    for (let i = 0; i < 2; i++) {
      const peer = await connect(seeder, key, b4a.alloc(32, 7))
      const block = { index: 3, nodes: 0 }
      peer.send({ id: 1, fork: 0, block, upgrade: { start: 0, length: 20 }, manifest: true, priority: 0 })
      await until(() => peer.isClosed)
      expect(peer.got + peer.answers).toBe(0)
    }
    expect(errors).toEqual([])
  })
})
