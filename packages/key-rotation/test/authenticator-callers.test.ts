import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@cloudpal/test-kit'
import type NoiseSecretStream from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import hypercoreCrypto from 'hypercore-crypto'
import Protomux from 'protomux'
import { describe, expect, test, vi } from 'vitest'
import { Authenticator } from '../src/connections/index.ts'
import { channelId, encodeEvents, encodeHello } from '../src/connections/messages.ts'
import { createKeyPair, IdentityMemory, readReceipt, type Sigchain } from '../src/index.ts'
import { addDevice, keyPair, keyPairs, keysOf, START } from './people.ts'
import { codeOfAsync, connect, copyOf, family, meet, party, ram, recovered, speak } from './parties.ts'

const now = (): number => START
const lost = { reason: 'compromised' } as const

describe('a callback that throws keeps no revoked device connected', () => {
  test.each(['onrefused', 'onstate', 'onduplicity'])('%s', async (callback) => {
    const base = family()
    const fail = (): void => {
      throw new Error('an app')
    }
    const errors: unknown[] = []
    const onerror = (error: unknown): void => void errors.push(error)
    const laptop = await party('laptop', base, { [callback]: fail, onerror })
    const [end] = await meet(laptop, await party('phone', base))
    const other = copyOf(base)
    base.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
    await laptop.authenticator.publish(base.events)
    expect(end.destroying).toBe(true)
    addDevice(other, 'another')
    await codeOfAsync(laptop.memory.receive(other.events))
    laptop.authenticator.refresh()
    expect(errors).toEqual([new Error('an app')])
  })
})

test('a revocation that is published closes connections, also when the memory has it already, such as by another authenticator', async () => {
  const base = family()
  const [laptop, phone] = [await party('laptop', base), await party('phone', base)]
  const [end] = await meet(laptop, phone)
  base.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
  const second = new Authenticator(laptop.memory, keyPair('laptop'), { now: () => START })
  await second.publish(base.events)
  await laptop.authenticator.publish(base.events)
  expect(end.destroying).toBe(true)
})

test('a revocation before a recovery that is held back closes connections all the same', async () => {
  const base = family()
  const { chain, late } = recovered(base)
  const [laptop, phone] = [
    await party('laptop', base, {}, () => late),
    await party('phone', base, {}, () => late)
  ]
  const [end] = await meet(laptop, phone)
  expect(await codeOfAsync(laptop.authenticator.publish(chain.events))).toBe(
    'KEY_ROTATION_RECOVERY_TOO_EARLY'
  )
  expect(laptop.memory.state.devices[1]?.revoked).not.toBe(null)
  expect(end.destroying).toBe(true)
})

/** A device whose disk can be full. */
async function onDisk(name: string, chain: Sigchain, onfull: () => void = () => {}) {
  const disk = { ...ram(), isFull: false, errors: [] as unknown[] }
  const write = async (): Promise<void> => {
    if (disk.isFull) throw new Error('no space is left')
  }
  const memory = await IdentityMemory.open({ ...disk, write }, chain.state.identity, chain.toBytes(), { now })
  const onerror = (error: unknown): void => {
    disk.errors.push(error)
    onfull()
  }
  const refused: string[] = []
  const onrefused = ({ code }: { code: string }): void => void refused.push(code)
  const authenticator = new Authenticator(memory, keyPair(name), { now, onerror, onrefused })
  return { memory, refused, authenticator, disk }
}

describe('a device whose disk is full', () => {
  test('closes who was revoked, and not who told it so; it says of nothing that it is kept, and keeps it once there is room', async () => {
    const mine = family()
    const [laptop, phone] = [await party('laptop', mine), await party('phone', copyOf(mine))]
    const { disk, ...tablet } = await onDisk('tablet', mine)
    const [toPhone] = await meet(tablet, phone)
    const [toLaptop] = await meet(tablet, laptop)
    const { seq } = mine.state
    disk.isFull = true
    mine.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
    await laptop.authenticator.publish(mine.events)
    await until(() => toPhone.destroying)
    expect([tablet.refused, toLaptop.destroying]).toEqual([['KEY_ROTATION_DEVICE_REVOKED'], false])
    expect([disk.errors, tablet.memory.state.seq]).toEqual([[new Error('no space is left')], seq])
    // Nor does the phone come back, as long as this runs.
    const ends = connect()
    void codeOfAsync(phone.authenticator.authenticate(ends[1]))
    expect(await codeOfAsync(tablet.authenticator.authenticate(ends[0]))).toBe('KEY_ROTATION_DEVICE_REVOKED')
    disk.isFull = false
    tablet.authenticator.refresh()
    await until(() => laptop.authenticator.receipts.length > 0)
    expect(laptop.authenticator.receipts.map((bytes) => readReceipt(bytes).seq)).toEqual([seq + 1])
    expect([tablet.memory.state.seq, disk.errors.length]).toEqual([seq + 1, 1])
  })

  test('tries again by itself', async () => {
    const mine = family()
    const laptop = await party('laptop', mine)
    const { disk, ...tablet } = await onDisk('tablet', mine)
    await meet(tablet, laptop)
    const timers = vi.spyOn(globalThis, 'setTimeout')
    disk.isFull = true
    mine.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
    await laptop.authenticator.publish(mine.events)
    await until(() => timers.mock.calls.some(([, ms]) => ms === 60_000))
    disk.isFull = false
    const [retry] = timers.mock.calls.findLast(([, ms]) => ms === 60_000) ?? []
    timers.mockRestore()
    retry?.()
    await until(() => tablet.memory.state.seq === mine.state.seq)
  })

  test('tries again also when who told it is gone', async () => {
    const mine = family()
    const laptop = await party('laptop', mine)
    const { disk, ...tablet } = await onDisk('tablet', mine)
    const [toLaptop] = await meet(tablet, laptop)
    const timers = vi.spyOn(globalThis, 'setTimeout')
    disk.isFull = true
    mine.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
    await laptop.authenticator.publish(mine.events)
    await until(() => timers.mock.calls.some(([, ms]) => ms === 60_000))
    toLaptop.destroy()
    await until(() => toLaptop.destroyed)
    disk.isFull = false
    const [retry] = timers.mock.calls.findLast(([, ms]) => ms === 60_000) ?? []
    timers.mockRestore()
    retry?.()
    await until(() => tablet.memory.state.seq === mine.state.seq)
  })

  test('and keeps a second history that way, too, and when a recovery was announced in one that does not count', async () => {
    const base = family()
    const [mine, theirs, announced] = [copyOf(base), copyOf(base), copyOf(base)]
    addDevice(mine, 'mine')
    addDevice(theirs, 'theirs')
    const friends = keyPairs('friend 0', 'friend 1', 'new')
    announced.announceRecovery(keysOf('new', 'new next'), friends)
    for (const [chain, isFork] of [
      [theirs, true],
      [announced, false]
    ] as const) {
      const { disk, ...tablet } = await onDisk('tablet', mine)
      disk.isFull = true
      const timers = vi.spyOn(globalThis, 'setTimeout')
      await expect(tablet.memory.receive(chain.events)).rejects.toThrow('no space is left')
      tablet.authenticator.refresh()
      expect([tablet.memory.isKept, tablet.memory.duplicity !== null]).toEqual([false, isFork])
      disk.isFull = false
      const [retry] = timers.mock.calls.findLast(([, ms]) => ms === 60_000) ?? []
      timers.mockRestore()
      retry?.()
      await until(() => tablet.memory.isKept)
    }
  })

  test('hears what comes next also where the app fails of being told so', async () => {
    const mine = family()
    const laptop = await party('laptop', mine)
    const { disk, ...tablet } = await onDisk('tablet', mine, () => {
      throw new Error('an app')
    })
    const [end] = await meet(tablet, laptop)
    const [later, { setTimeout: original }] = [[] as (() => void)[], globalThis]
    const timers = vi
      .spyOn(globalThis, 'setTimeout')
      .mockImplementation(((run: () => void, ms: number) =>
        ms === 0 ? void later.push(run) : original(run, ms)) as never)
    disk.isFull = true
    addDevice(mine, 'one')
    await laptop.authenticator.publish(mine.events)
    await until(() => later.length > 0)
    disk.isFull = false
    addDevice(mine, 'two')
    await laptop.authenticator.publish(mine.events)
    await until(() => tablet.memory.state.seq === mine.state.seq)
    timers.mockRestore()
    expect(later[0]).toThrow('an app')
    expect([end.destroying, later.length]).toEqual([false, 1])
  })

  test('and cannot keep what it publishes itself closes who it revokes, and says so', async () => {
    const mine = family()
    const phone = await party('phone', copyOf(mine))
    const { disk, ...laptop } = await onDisk('laptop', mine)
    const [end] = await meet(laptop, phone)
    disk.isFull = true
    mine.revokeDevice(keyPair('phone').publicKey, lost, keyPairs('control 0'))
    await expect(laptop.authenticator.publish(mine.events)).rejects.toThrow('no space is left')
    expect(end.destroying).toBe(true)
  })
})

test('an app is told of two histories, and of what was superseded, also after a restart, till its person has decided and seen it', async () => {
  const base = family()
  const [theirs, stronger] = [copyOf(base), copyOf(base)]
  addDevice(base, 'one')
  addDevice(theirs, 'other')
  stronger.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  const [store, { identity }] = [ram(), base.state]
  const told = async (chain: Sigchain | null): Promise<string[]> => {
    const memory = await IdentityMemory.open(store, identity, base.toBytes(), { now })
    const names: string[] = []
    const authenticator = new Authenticator(memory, keyPair('laptop'), {
      now,
      onstate: () => void names.push('state'),
      onduplicity: ({ seq }) => void names.push(`two from ${seq}`),
      onsuperseded: ({ seq }) => void names.push(`superseded from ${seq}`)
    })
    expect(names).toEqual([])
    await Promise.resolve()
    if (chain !== null) await codeOfAsync(memory.receive(chain.events))
    authenticator.refresh()
    if (chain === null) await memory.acknowledge()
    authenticator.refresh()
    return names
  }
  expect(await told(theirs)).toEqual(['two from 4'])
  expect(await told(stronger)).toEqual(['two from 4', 'state', 'superseded from 4'])
  expect(await told(null)).toEqual(['superseded from 4'])
  expect(await told(null)).toEqual([])
})

test('who publishes what it wrote after an old event is told, and freezes nothing: nobody else has seen it', async () => {
  const base = family()
  const laptop = await party('laptop', base)
  // As README has it: a Sigchain, and a memory that hears of others.
  const mine = copyOf(base)
  const others = copyOf(base)
  addDevice(others, 'from the tablet')
  await laptop.memory.receive(others.events)
  addDevice(mine, 'from the laptop')
  expect(await codeOfAsync(laptop.authenticator.publish(mine.events))).toMatch(/^KEY_ROTATION_/)
  expect(laptop.memory.duplicity).toBe(null)
})

test('with README’s own lines a stranger who connects does not end the process by a rejection nobody handles', async () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const lines = /^swarm\.on\('connection'[\s\S]*?^}\)$/m.exec(readme)?.[0] ?? ''
  const base = family()
  const [laptop, stranger] = [await party('laptop', base), await party('stranger', base)]
  let handler: (connection: unknown) => Promise<void> = async () => {}
  const swarm = { on: (_: string, given: typeof handler) => void (handler = given) }
  // oxlint-disable-next-line no-implied-eval
  new Function('swarm', 'authenticator', 'store', lines)(swarm, laptop.authenticator, {
    replicate: () => {}
  })
  const [one, other] = connect()
  const answered = codeOfAsync(stranger.authenticator.authenticate(other))
  expect(await codeOfAsync(handler(one))).toBe(null)
  await answered
})

test('a connection without a hash of its handshake is refused: what was said on one would do on another', async () => {
  const base = family()
  const laptop = await party('laptop', base)
  const unbound = (connection: NoiseSecretStream): NoiseSecretStream =>
    new Proxy(connection, {
      get: (stream, name) => {
        if (name === 'handshakeHash') return null
        const value: unknown = Reflect.get(stream, name)
        return typeof value === 'function' ? value.bind(stream) : value
      }
    })
  const [one, other] = connect()
  const asked = codeOfAsync(laptop.authenticator.authenticate(unbound(one)))
  await other.opened
  // Recorded on another such connection; whoever replays it has no key.
  const place = { identity: base.state.identity, handshakeHash: new Uint8Array(0), isInitiator: false }
  const { seq, hash } = base.state
  const recorded = encodeHello({ device: keyPair('phone').publicKey, seq, hash }, place, keyPair('phone'))
  const channel = Protomux.from(other).createChannel<Uint8Array>({
    protocol: 'cloudpal/key-rotation/1',
    id: channelId(base.state.identity),
    unique: true,
    handshake: c.raw
  })
  for (let i = 0; i < 2; i++) channel?.addMessage<Uint8Array>({ encoding: c.raw })
  channel?.open(recorded)
  expect(await asked).not.toBe(null)
})

test('both sides call `authenticate` at any time, also the one when the other has long spoken', async () => {
  const base = family()
  const [laptop, phone] = [await party('laptop', base), await party('phone', base)]
  const [one, other] = connect()
  // The app replicates something else meanwhile, or opens its memory first.
  Protomux.from(other)
  const asked = laptop.authenticator.authenticate(one).then(
    ({ name }) => name,
    (error: { code: string }) => error.code
  )
  await other.opened
  for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next))
  const answer = await codeOfAsync(phone.authenticator.authenticate(other))
  expect([await asked, answer]).toEqual(['phone', null])
})

test('a second authenticator of the same identity does not end the connection of the first', async () => {
  const base = family()
  const [laptop, phone] = [await party('laptop', base), await party('phone', base)]
  const [end] = await meet(laptop, phone)
  const second = new Authenticator(laptop.memory, keyPair('laptop'), { now: () => START })
  expect(await codeOfAsync(second.authenticate(end))).toBe('KEY_ROTATION_CLOSED')
  expect(end.destroying).toBe(false)
})

test('one event of a stranger does not cost a verification of the whole chain', async () => {
  const base = family()
  for (let i = 0; i < 200; i++) addDevice(base, `reader ${i}`, 'reader')
  const laptop = await party('laptop', base)
  const [one, other] = connect()
  const asked = codeOfAsync(laptop.authenticator.authenticate(one))
  const { tell } = await speak(other, base, createKeyPair(), 10 ** 6)
  // The last event, with another time: its signature is not right, and everything before it is known.
  const last = base.events.at(-1) as Uint8Array
  const changed = Uint8Array.from(last)
  changed[2 + 32 + 1 + 32 + 1] = (changed[2 + 32 + 1 + 32 + 1] as number) ^ 1
  const spy = vi.spyOn(hypercoreCrypto, 'verify')
  try {
    tell(encodeEvents(base.state.seq, [...base.events.slice(0, -1), changed]).message)
    expect(await asked).toMatch(/^KEY_ROTATION_/)
    expect(spy.mock.calls.length).toBeLessThan(20)
  } finally {
    spy.mockRestore()
  }
})
