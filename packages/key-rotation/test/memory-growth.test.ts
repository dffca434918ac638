import { blake2b } from '@noble/hashes/blake2.js'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { encodeChain, IdentityMemory, type MemoryStore, Sigchain } from '../src/index.ts'
import { ada, addDevice, keyPairs, manualTime, START } from './people.ts'
import { codeOfAsync } from './parties.ts'

afterEach(() => void vi.restoreAllMocks())

const options = { now: manualTime() }

/** A file that grows. What is `cut` gets that many bytes of the next addition, and then no more: the machine has stopped. */
interface File extends MemoryStore {
  bytes: Buffer | null
  cut: number | null
  written: number
}

function file(): File {
  const self: File = {
    bytes: null,
    cut: null,
    written: 0,
    read: async () => self.bytes,
    write: async (bytes) => {
      self.bytes = Buffer.from(bytes)
      self.written += bytes.length
    },
    append: async (bytes) => {
      const part = Buffer.from(bytes).subarray(0, self.cut ?? bytes.length)
      self.bytes = Buffer.concat([self.bytes ?? Buffer.alloc(0), part])
      self.written += part.length
      if (self.cut !== null) throw new Error('the machine has stopped')
    }
  }
  return self
}

async function remembering(
  store: MemoryStore,
  count: number
): Promise<{ chain: Sigchain; memory: IdentityMemory }> {
  const chain = ada()
  const memory = await IdentityMemory.open(store, chain.state.identity, chain.toBytes(), options)
  for (let i = 0; i < count; i++) {
    addDevice(chain, `device ${i}`)
    await memory.receive(chain.events.slice(-1), i + 1)
  }
  return { chain, memory }
}

const open = (store: MemoryStore): Promise<IdentityMemory> =>
  IdentityMemory.open(store, ada().state.identity, null, options)

test('an event costs what it has itself, and not the chain', async () => {
  const store = file()
  const { chain, memory } = await remembering(store, 40)
  const before = store.written
  addDevice(chain, 'one more')
  await memory.receive(chain.events)
  expect(store.written - before).toBeLessThan(400)
  expect((await open(store)).state).toEqual(chain.state)
})

/** FORMAT.md, "Notation" and "Memory", on another library. */
function checkOf(bytes: Uint8Array): Uint8Array {
  const hash = (...parts: Uint8Array[]): Uint8Array => blake2b(Buffer.concat(parts), { dkLen: 32 })
  const namespace = hash(hash(Buffer.from('cloudpal/key-rotation/1')), Buffer.from([6]))
  return hash(namespace, bytes).subarray(0, 8)
}

const framed = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0xfd, bytes.length & 0xff, bytes.length >> 8]), bytes])

test('it is written as FORMAT.md says', async () => {
  const store = file()
  const { chain } = await remembering(store, 1)
  const [first, second] = chain.events as [Uint8Array, Uint8Array]
  const addition = Buffer.concat([framed(encodeChain([second])), Buffer.from([0])])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(addition.length)
  const whole = Buffer.concat([framed(encodeChain([first])), Buffer.from([0, 0, 0, 0, 0, 0])])
  const parts = [Buffer.from([1]), framed(whole), length, checkOf(length), addition, checkOf(addition)]
  expect(store.bytes).toEqual(Buffer.concat(parts))
})

test('what was being written when the machine stopped is left out, wherever that was, and the next event is kept', async () => {
  const store = file()
  const { chain } = await remembering(store, 3)
  const whole = store.bytes as Buffer
  addDevice(chain, 'phone')
  const { events } = chain
  await (await open(store)).receive(events)
  const grown = store.bytes as Buffer
  addDevice(chain, 'tablet')
  for (let cut = whole.length; cut < grown.length; cut++) {
    // Some file systems have the length before they have the bytes.
    for (const bytes of [
      grown.subarray(0, cut),
      Buffer.alloc(grown.length, 0).fill(grown.subarray(0, cut), 0, cut)
    ]) {
      const torn = file()
      torn.bytes = Buffer.from(bytes)
      const memory = await open(torn)
      expect(memory.state.seq).toBe(3)
      await memory.receive(chain.events)
      expect((await open(torn)).events).toEqual(chain.events)
    }
  }
})

test('a changed byte before the end is told of, and one in the end at most leaves the last event out', async () => {
  const store = file()
  await remembering(store, 1)
  const one = (store.bytes as Buffer).length
  await remembering(store, 3)
  const bytes = store.bytes as Buffer
  const two = file()
  await remembering(two, 2)
  const last = (two.bytes as Buffer).length
  for (let at = one; at < bytes.length; at++) {
    const changed = file()
    changed.bytes = Buffer.from(bytes)
    changed.bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
    const found = await open(changed).then(
      ({ events }) => events,
      (error: { code: string }) => error.code
    )
    if (typeof found === 'string') expect(found).toMatch(/^KEY_ROTATION_/)
    else expect(found.length).toBe(3)
    if (at < last) expect(found).toBe('KEY_ROTATION_MALFORMED')
  }
})

test('after 1,024 additions it is written whole, also while it stays open', async () => {
  let written = 0
  let added = 0
  const store = {
    read: async () => null,
    write: async () => void written++,
    append: async () => void added++
  }
  await remembering(store, 1030)
  expect([written, added]).toEqual([2, 1029])
})

test('a memory of a newer version is refused', async () => {
  const store = file()
  const { chain } = await remembering(store, 1)
  const bytes = store.bytes as Buffer
  bytes[0] = 2
  await expect(open(store)).rejects.toMatchObject({ code: 'KEY_ROTATION_NEWER_FORMAT' })
  bytes[0] = 1
  expect((await open(store)).state).toEqual(chain.state)
})

test('whatever is added, and wherever it stops, a restart has all that was said to be kept, and nothing that never was', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ events: fc.integer({ min: 1, max: 3 }), cut: fc.option(fc.nat(300)) }), {
        maxLength: 6
      }),
      async (steps) => {
        const store = file()
        const chain = ada()
        let memory = await IdentityMemory.open(store, chain.state.identity, chain.toBytes(), options)
        let kept = 1
        let count = 0
        for (const { events, cut } of steps) {
          for (let i = 0; i < events; i++) addDevice(chain, `device ${count++}`)
          store.cut = cut
          const isKept = await memory.receive(chain.events).then(
            () => true,
            () => false
          )
          store.cut = null
          if (isKept) kept = chain.events.length
          expect(memory.events.length).toBe(kept)
          if (!isKept) {
            memory = await open(store)
            expect([kept, chain.events.length]).toContain(memory.events.length)
            kept = memory.events.length
          }
          expect(memory.events).toEqual(chain.events.slice(0, kept))
        }
      }
    ),
    { numRuns: 30 }
  )
})

/** How many signatures are checked meanwhile. */
async function signaturesOf(run: () => Promise<unknown>): Promise<number> {
  const check = vi.spyOn(crypto, 'verify')
  await run()
  const { length } = check.mock.calls
  check.mockRestore()
  return length
}

test('who brings a second history has his own events checked, and nothing that was checked before', async () => {
  const { chain, memory } = await remembering(file(), 200)
  const { identity } = chain.state
  const part = Sigchain.open(chain.events.slice(0, 101), { trusted: identity }, { now: () => START })
  addDevice(part, 'another')
  const fork = part.events.at(-1) as Uint8Array
  const wrong = Buffer.from(fork)
  wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1
  const bring = (event: Uint8Array, from: number) => (): Promise<unknown> =>
    memory.receive([event], from).then(
      () => {
        throw new Error('it was taken')
      },
      ({ code }: { code: string }) => code
    )
  // Two for the event and who is let in, of a chain that has four hundred.
  expect(await signaturesOf(bring(wrong, 101))).toBe(1)
  expect(await bring(wrong, 101)()).toBe('KEY_ROTATION_BAD_SIGNATURE')
  expect(await signaturesOf(() => memory.receive(chain.events))).toBe(0)
  expect(await signaturesOf(bring(fork, 101))).toBe(2)
  expect(memory.duplicity?.branches[1]).toEqual(part.events)
  // Frozen, it checks nothing more; and of what was decided against neither.
  expect(await signaturesOf(bring(fork, 101))).toBe(0)
  await memory.choose(0)
  expect(await signaturesOf(bring(fork, 101))).toBe(0)
  expect(memory.duplicity).toBe(null)
})

test('events are brought from where they follow', async () => {
  const { chain, memory } = await remembering(file(), 2)
  addDevice(chain, 'phone')
  const fresh = chain.events.slice(2)
  await expect(memory.receive(fresh, 4)).rejects.toMatchObject({ code: 'KEY_ROTATION_OUT_OF_ORDER' })
  await expect(memory.receive(fresh, -1)).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_ARGUMENT' })
  await expect(memory.receive(fresh, 1)).rejects.toThrow('KEY_ROTATION_')
  expect(await memory.receive(fresh, 2)).toBe(true)
  expect(memory.state).toEqual(chain.state)
  expect(memory.duplicity).toBe(null)
  const late = Sigchain.open(chain.toBytes(), { trusted: chain.state.identity }, { now: () => START })
  late.revokeDevice(chain.state.devices[0]?.key as Uint8Array, { reason: 'lost' }, keyPairs('control 0'))
  expect(await memory.receive(late.events.slice(-1), 4)).toBe(true)
})

test('an addition of which the disk has the end, and not the beginning, is left out, and one that was changed before another is not', async () => {
  const store = file()
  const { chain } = await remembering(store, 3)
  const whole = store.bytes as Buffer
  addDevice(chain, 'phone')
  await (await open(store)).receive(chain.events)
  const grown = store.bytes as Buffer
  for (const missing of [1, 4, 5, 12, 40]) {
    const torn = file()
    torn.bytes = Buffer.from(grown).fill(0, whole.length, whole.length + missing)
    const memory = await open(torn)
    expect(memory.state.seq).toBe(3)
    await memory.receive(chain.events)
    expect((await open(torn)).state.seq).toBe(4)
  }
  addDevice(chain, 'tablet')
  await (await open(store)).receive(chain.events)
  const changed = file()
  changed.bytes = Buffer.from(store.bytes as Buffer).fill(0, whole.length, whole.length + 5)
  expect(await codeOfAsync(open(changed))).toBe('KEY_ROTATION_MALFORMED')
})
