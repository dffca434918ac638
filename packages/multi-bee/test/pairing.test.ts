import {
  fakeClock,
  testCleanup,
  testnet,
  tmpDir,
  tmpStore,
  until,
  type TestNetwork
} from '@cloudpal/test-kit'
import b4a from 'b4a'
import type Corestore from 'corestore'
import type Hyperswarm from 'hyperswarm'
import { expect, test } from 'vitest'
import z32 from 'z32'
import { MultiBee, type Candidate, type Invite, type InviteOptions, type JoinOptions } from '../src/index.ts'
import { expectCode, openDevice, untilShown, writerKeyOf, type DeviceOptions } from './support/devices.ts'

function createSwarm(network: TestNetwork): Hyperswarm {
  return network.createSwarm()
}

/** A database whose device is on the network. */
async function openHost(
  network: TestNetwork,
  options: DeviceOptions = {}
): Promise<{ db: MultiBee; swarm: Hyperswarm }> {
  const db = await openDevice({ name: 'laptop', ...options })
  const swarm = createSwarm(network)
  swarm.on('connection', (connection) => {
    // A closed database throws here, and the swarm outlives some.
    if (db.closing === null) db.replicate(connection)
  })
  return { db, swarm }
}

async function announced(db: MultiBee, options: InviteOptions): Promise<Invite> {
  const invite = await db.createInvite(options)
  await invite.announced()
  return invite
}

interface Joining extends Partial<JoinOptions> {
  store?: Corestore
}

async function join(
  network: TestNetwork,
  code: string,
  { store, ...options }: Joining = {}
): Promise<MultiBee> {
  const db = await MultiBee.join(store ?? (await tmpStore()), code, {
    swarm: createSwarm(network),
    name: 'phone',
    ...options
  })
  testCleanup().defer('swarm', () => db.close())
  return db
}

test('a device that joins by invite is a writer with the same keys, and both show what either writes', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  await db.put('a', 1)
  const invite = await announced(db, { swarm })
  expect(invite.toString()).toBe(invite.code)
  const joined = await join(network, ` ${invite.code}\n`)
  expect(joined.writable).toBe(true)
  expect(joined.key).toEqual(db.key)
  expect(joined.encryptionKey).toEqual(db.encryptionKey)
  expect(joined.encryptionKey?.byteLength).toBe(32)
  expect(joined.writerKey).not.toEqual(db.writerKey)
  expect((await db.writers()).map(({ name }) => name)).toEqual(['laptop', 'phone'])
  await joined.put('b', 2)
  await untilShown('a', 1, joined)
  await untilShown('b', 2, db)
  expect((await joined.writers()).map(({ name }) => name)).toEqual(['laptop', 'phone'])
})

test('a database that is not encrypted stays so for who joins', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network, { encryptionKey: null })
  const joined = await join(network, (await announced(db, { swarm })).code)
  expect(joined.encryptionKey).toBe(null)
  await joined.put('b', 2)
  await untilShown('b', 2, db)
})

test('the code fits a QR code', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const { code } = await db.createInvite({ swarm })
  // 4 of 7: alphanumeric mode holds 114 characters at version 6, low error correction; z-base-32 is read without regard to case.
  expect(code.length).toBeLessThanOrEqual(134)
  expect(code).toMatch(/^[ybndrfg8ejkmcpqxot1uwisza345h769]+$/)
})

test('confirm is asked with the key and name of the device, and lets it in', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const asked: Candidate[] = []
  const confirm = async (candidate: Candidate): Promise<boolean> => {
    asked.push(candidate)
    expect(await db.writers()).toHaveLength(1)
    return true
  }
  const joined = await join(network, (await announced(db, { swarm, confirm })).code, { name: 'Ada’s phone' })
  expect(asked).toEqual([{ key: joined.writerKey, name: 'Ada’s phone' }])
})

test('confirm may refuse: the device hears so, and is no writer', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const answers = [false, true]
  const invite = await announced(db, { swarm, confirm: () => Promise.resolve(answers.shift() ?? false) })
  const store = await tmpStore()
  await expectCode(join(network, invite.code, { store }), 'MULTI_BEE_INVITE_REJECTED')
  expect(await db.writers()).toHaveLength(1)
  // The invite is not used up by a refusal.
  const joined = await join(network, invite.code, { store })
  expect(joined.writable).toBe(true)
})

test('a confirm that throws refuses, and the inviting device goes on', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const confirm = (): never => {
    throw new TypeError('a bug in the app')
  }
  const invite = await announced(db, { swarm, confirm })
  await expectCode(join(network, invite.code), 'MULTI_BEE_INVITE_REJECTED')
  await db.put('a', 1)
  expect(await db.writers()).toHaveLength(1)
})

test('an invite that has expired is refused by the inviting device', async () => {
  const network = await testnet()
  const clock = fakeClock(1_700_000_000_000)
  const { db, swarm } = await openHost(network, { clock: clock.now })
  const invite = await announced(db, { swarm, expires: clock.now() + 10_000 })
  expect(invite.expires).toBe(clock.now() + 10_000)
  const early = clock.now()
  clock.advance(10_001)
  // The joining device's own clock is behind, so that it asks.
  await expectCode(join(network, invite.code, { clock: () => early }), 'MULTI_BEE_INVITE_EXPIRED')
  expect(await db.writers()).toHaveLength(1)
})

test('an invite that has expired is refused before anybody is asked', async () => {
  const network = await testnet()
  const clock = fakeClock(1_700_000_000_000)
  const { db, swarm } = await openHost(network, { clock: clock.now })
  const { code } = await db.createInvite({ swarm, expires: clock.now() + 10_000 })
  await db.close()
  clock.advance(20_000)
  await expectCode(join(network, code, { clock: clock.now }), 'MULTI_BEE_INVITE_EXPIRED')
})

test('an invite holds for an hour unless said otherwise, and for ever with expires: 0', async () => {
  const network = await testnet()
  const clock = fakeClock(1_700_000_000_000)
  const { db, swarm } = await openHost(network, { clock: clock.now })
  expect((await db.createInvite({ swarm })).expires).toBe(clock.now() + 3_600_000)
  const invite = await announced(db, { swarm, expires: 0 })
  clock.advance(1e12)
  expect((await join(network, invite.code, { clock: clock.now })).writable).toBe(true)
})

test('an invite is used once', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const invite = await announced(db, { swarm })
  await join(network, invite.code)
  await expectCode(join(network, invite.code), 'MULTI_BEE_INVITE_USED')
  expect(await db.writers()).toHaveLength(2)
})

test('of two devices that show one invite at the same time one gets in', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  let asked = 0
  const confirm = async (): Promise<boolean> => {
    asked++
    await until(() => asked === 2)
    return true
  }
  const invite = await announced(db, { swarm, confirm })
  const results = await Promise.allSettled([join(network, invite.code), join(network, invite.code)])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const refused = results.find((result) => result.status === 'rejected')
  expect(refused?.reason).toMatchObject({ code: 'MULTI_BEE_INVITE_USED' })
  expect(await db.writers()).toHaveLength(2)
})

test('an invite that was revoked lets nobody in', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const invite = await announced(db, { swarm })
  invite.revoke()
  await expectCode(join(network, invite.code), 'MULTI_BEE_INVITE_REJECTED')
  expect(await db.writers()).toHaveLength(1)
})

test('an invite that is revoked while the person is asked lets nobody in', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const confirm = (): boolean => {
    invite.revoke()
    return true
  }
  const invite: Invite = await announced(db, { swarm, confirm })
  await expectCode(join(network, invite.code), 'MULTI_BEE_INVITE_REJECTED')
  expect(await db.writers()).toHaveLength(1)
})

test.each([
  ['nothing', ''],
  ['words', 'not an invite'],
  ['z-base-32 of too few bytes', z32.encode(b4a.alloc(8))],
  ['z-base-32 of zeros', z32.encode(b4a.alloc(80))],
  ['z-base-32 of noise', z32.encode(b4a.from(Array.from({ length: 80 }, (_, i) => (i * 89 + 7) % 256)))],
  ['a number', 5],
  ['null', null]
])('a code that is %s is no invite', async (_, code) => {
  const network = await testnet(1)
  await expectCode(join(network, code as never), 'MULTI_BEE_BAD_INVITE')
})

test('half an invite is no invite', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const { code } = await db.createInvite({ swarm })
  await expectCode(join(network, code.slice(0, code.length / 2)), 'MULTI_BEE_BAD_INVITE')
})

test('what createInvite and join are given is checked', async () => {
  const network = await testnet(1)
  const { db, swarm } = await openHost(network)
  const wrong = (options: unknown): Promise<Invite> => db.createInvite(options as InviteOptions)
  for (const options of [undefined, null, {}, { swarm: null }, { swarm: {} }, { swarm, confirm: 5 }]) {
    await expectCode(wrong(options), 'MULTI_BEE_BAD_ARGUMENT')
  }
  for (const expires of [-1, 1.5, Number.NaN, '5', null])
    await expectCode(wrong({ swarm, expires }), 'MULTI_BEE_BAD_ARGUMENT')
  const { code } = await db.createInvite({ swarm })
  await expectCode(join(network, code, { name: 'x'.repeat(257) }), 'MULTI_BEE_BAD_ARGUMENT')
  await expectCode(join(network, code, { swarm: {} as never }), 'MULTI_BEE_BAD_ARGUMENT')
  await db.put('a', 1)
})

test('joining can be given up with a signal, and the same store joins later', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const store = await tmpStore()
  const before = new AbortController()
  before.abort()
  const invite = await announced(db, { swarm })
  await expectCode(join(network, invite.code, { store, signal: before.signal }), 'MULTI_BEE_JOIN_ABORTED')

  const asked = new AbortController()
  let answer: (letIn: boolean) => void = () => {}
  const slow = await announced(db, {
    swarm,
    confirm: () => {
      asked.abort()
      return new Promise<boolean>((resolve) => (answer = resolve))
    }
  })
  await expectCode(join(network, slow.code, { store, signal: asked.signal }), 'MULTI_BEE_JOIN_ABORTED')
  answer(false)

  const joined = await join(network, invite.code, { store })
  expect(joined.writable).toBe(true)
  await joined.put('a', 1)
  await untilShown('a', 1, db)
})

test('a device that was let in and never heard so may show its invite again', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const store = await tmpStore()
  const gone = new AbortController()
  // The answer is given after the device has gone away.
  const confirm = (): Promise<boolean> => {
    gone.abort()
    return given.then(() => true)
  }
  let give = (): void => {}
  const given = new Promise<void>((resolve) => (give = resolve))
  const invite = await announced(db, { swarm, confirm })
  await expectCode(join(network, invite.code, { store, signal: gone.signal }), 'MULTI_BEE_JOIN_ABORTED')
  give()
  await until(async () => (await db.writers()).length === 2)
  const joined = await join(network, invite.code, { store })
  expect(joined.writable).toBe(true)
  expect(await db.writers()).toHaveLength(2)
  await expectCode(join(network, invite.code), 'MULTI_BEE_INVITE_USED')
})

test('two invites are open at once, each with its own confirm', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const asked: string[] = []
  const invites: Invite[] = []
  for (const id of ['one', 'two']) {
    invites.push(await announced(db, { swarm, confirm: ({ name }) => asked.push(`${id}: ${name}`) > 0 }))
  }
  const [one, two] = await Promise.all(
    invites.map(({ code }, i) => join(network, code, { name: `device ${i}` }))
  )
  expect(asked.sort()).toEqual(['one: device 0', 'two: device 1'])
  await one?.put('a', 1)
  await until(async () => (await db.get('a')) !== null)
  await db.put('b', 1)
  for (const device of [one, two]) await until(async () => (await device?.get('b')) !== null)
})

test('a second member can invite a third, also when the first is away', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  await db.put('a', 1)
  const phoneSwarm = createSwarm(network)
  const phone = await join(network, (await announced(db, { swarm })).code, { swarm: phoneSwarm })
  await untilShown('a', 1, phone)
  await db.close()
  await swarm.destroy()
  const invite = await announced(phone, { swarm: phoneSwarm })
  const tablet = await join(network, invite.code, { name: 'tablet' })
  await untilShown('a', 1, tablet)
  await tablet.put('c', 1)
  await untilShown('c', 1, phone)
  expect((await tablet.writers()).map(({ name }) => name)).toEqual(['laptop', 'phone', 'tablet'])
})

test('a device that is no member cannot invite', async () => {
  const network = await testnet(1)
  const { db, swarm } = await openHost(network)
  const reader = await openDevice({ key: db.key ?? '', encryptionKey: db.encryptionKey })
  await expectCode(reader.createInvite({ swarm }), 'MULTI_BEE_NOT_WRITABLE')
})

test('store.replicate() runs on the same connections, on both sides', async () => {
  const network = await testnet()
  const [hostStore, joinStore] = [await tmpStore(), await tmpStore()]
  const { db, swarm } = await openHost(network, { store: hostStore })
  swarm.on('connection', (connection) => hostStore.replicate(connection))
  const core = hostStore.get({ name: 'photos' })
  await core.append('photo')
  const joinSwarm = createSwarm(network)
  joinSwarm.on('connection', (connection) => joinStore.replicate(connection))
  const joined = await join(network, (await announced(db, { swarm })).code, {
    store: joinStore,
    swarm: joinSwarm
  })
  await joined.put('a', 1)
  await untilShown('a', 1, db)
  expect(await joinStore.get({ key: core.key }).get(0)).toEqual(b4a.from('photo'))
})

test('a joined store opened again without key or encryptionKey goes on as a writer', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  await db.put('a', 1)
  const dir = await tmpDir()
  let store = await tmpStore({ dir })
  const joined = await join(network, (await announced(db, { swarm })).code, { store })
  await untilShown('a', 1, joined)
  await joined.put('b', 1)
  await untilShown('b', 1, db)
  const { key, encryptionKey, writerKey } = joined
  await joined.close()
  await store.close()

  store = await tmpStore({ dir })
  const again = await openDevice({ store })
  expect([again.key, again.encryptionKey, again.writerKey]).toEqual([key, encryptionKey, writerKey])
  expect(again.writable).toBe(true)
  expect((await again.get('a'))?.value).toBe(1)
  await again.put('b', 2)
  const againSwarm = createSwarm(network)
  againSwarm.on('connection', (connection) => again.replicate(connection))
  againSwarm.join(db.discoveryKey ?? b4a.alloc(32))
  await untilShown('b', 2, db)
})

test('a device that joins with an encryptionKey of its own keychain writes none to its store', async () => {
  const network = await testnet()
  const encryptionKey = b4a.alloc(32, 5)
  const { db, swarm } = await openHost(network, { encryptionKey })
  const store = await tmpStore()
  const joined = await join(network, (await announced(db, { swarm })).code, { store, encryptionKey })
  await joined.put('a', 1)
  await untilShown('a', 1, db)
  await joined.close()
  await expectCode(new MultiBee(store).ready(), 'MULTI_BEE_WRONG_ENCRYPTION_KEY')
  const again = await openDevice({ store, encryptionKey })
  expect((await again.get('a'))?.value).toBe(1)
})

test('a removed device joins again with a new log', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const store = await tmpStore()
  const joined = await join(network, (await announced(db, { swarm })).code, { store })
  await joined.put('a', 1)
  await untilShown('a', 1, db)
  await db.removeWriter(writerKeyOf(joined))
  await until(() => !joined.writable)
  const { writerKey } = joined
  await joined.close()
  const again = await join(network, (await announced(db, { swarm })).code, { store })
  expect(again.writerKey).not.toEqual(writerKey)
  expect((await again.get('a'))?.value).toBe(1)
  await again.put('a', 2)
  await untilShown('a', 2, db)
})

test('a closed database answers no invite, and its swarm stays usable', async () => {
  const network = await testnet()
  const { db, swarm } = await openHost(network)
  const invite = await announced(db, { swarm })
  await db.close()
  const signal = new AbortController()
  const joining = join(network, invite.code, { signal: signal.signal })
  // Nobody is there to answer; an open database on the same swarm still pairs.
  const other = await openDevice({ name: 'other' })
  swarm.on('connection', (connection) => other.replicate(connection))
  expect((await join(network, (await announced(other, { swarm })).code)).writable).toBe(true)
  signal.abort()
  await expectCode(joining, 'MULTI_BEE_JOIN_ABORTED')
})
